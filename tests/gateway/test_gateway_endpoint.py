"""A gateway behind a gateway: the model of one is the server of the other, over real HTTP."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from journeyman.errors import AttributedError
from journeyman.models import open_model
from journeyman.models.chat_stream import GatheredAnswer

CHAT = "/v1/chat/completions"
LS = {"command": "ls"}


@asynccontextmanager
async def chained(kit, *script, template="deepseekr1"):
    async with kit.running(kit.spoken(*script, template=template), template) as behind:
        model = await open_model(f"{behind.url}/v1#m")
        try:
            async with kit.running(model) as client:
                yield client, behind
        finally:
            await model.close()


async def test_content_reasoning_and_calls_pass_through_as_they_come(kit):
    script = kit.say("I look at it.", LS, {"command": "pwd"}, reasoning="Hm, let me see.")
    async with chained(kit, script) as (client, _):
        body = kit.ask | {"tools": [kit.bash], "stream_options": {"include_usage": True}}
        events = await client.events(CHAT, body | {"stream": True})
        _, whole = await client.post(CHAT, body)
    deltas = [it["choices"][0]["delta"] for it in events if it["choices"]]
    contents = [delta["content"] for delta in deltas if delta.get("content")]
    thoughts = [delta["reasoning_content"] for delta in deltas if "reasoning_content" in delta]
    assert "".join(contents) == "I look at it."
    assert "".join(thoughts) == "Hm, let me see."
    assert len(contents) > 2
    assert len(thoughts) > 2
    calls = [part for delta in deltas for part in delta.get("tool_calls", ())]
    assert [part["function"].get("name") for part in calls if "id" in part] == ["bash", "bash"]
    texts = [
        "".join(it["function"]["arguments"] for it in calls if it["index"] == n) for n in (0, 1)
    ]
    assert [json.loads(text) for text in texts] == [LS, {"command": "pwd"}]
    assert events[-1]["usage"] == whole["usage"]
    assert whole["choices"][0]["message"]["content"] == "I look at it."


async def test_a_client_that_goes_away_ends_the_drawing_behind_both(kit):
    async with chained(kit, kit.say("word " * 100_000), template="hermes") as (client, behind):
        model = behind.gateway.engine.model
        body = kit.ask | {"stream": True}
        async with client.http.post(client.url + CHAT, json=body) as response:
            await response.content.readline()
            assert model.num_drawing == 1
            response.close()
        async with asyncio.timeout(20):
            while model.num_drawing:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)


async def test_what_the_server_refuses_is_refused(kit):
    async with chained(kit) as (client, _):
        for body in (kit.ask, kit.ask | {"stream": True}):
            status, answer = await client.post(CHAT, body)
            assert (status, answer["error"]["code"]) == (400, "model_refused")
            assert "the script of script ends" in answer["error"]["message"]


async def test_a_schema_is_handed_on(kit):
    async with chained(kit, kit.say('"yes"'), template="hermes") as (client, behind):
        seen = []
        model = behind.gateway.engine.model
        draw = model.stream
        model.stream = lambda prompt, sampling: seen.append(sampling) or draw(prompt, sampling)
        held = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": ["yes"]}}}
        status, _ = await client.post(CHAT, kit.ask | {"response_format": held})
    assert status == 200
    assert seen[0].json_schema == {"enum": ["yes"]}


async def test_a_schema_together_with_tools_is_left_to_the_server(kit):
    async with chained(kit, kit.say('"yes"'), template="hermes") as (client, _):
        body = kit.ask | {"tools": [kit.bash], "response_format": {"type": "json_object"}}
        status, answer = await client.post(CHAT, body)
    # Ours asked; the gateway behind, whose model writes calls in a template, is who says no.
    assert (status, answer["error"]["code"]) == (400, "model_refused")
    assert "cannot be had together with tools" in answer["error"]["message"]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "bash"}}])
async def test_a_demanded_call_is_handed_on(kit, choice):
    async with chained(kit, kit.say("Sure:", LS), template="hermes") as (client, _):
        body = kit.ask | {"tools": [kit.bash], "tool_choice": choice}
        _, whole = await client.post(CHAT, body)
    message = whole["choices"][0]["message"]
    # The gateway behind begins the call itself, so nothing was said before it.
    assert message["content"] is None
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == LS


def test_chunks_of_any_shape_are_survived():
    gathered = GatheredAnswer()
    assert gathered.answer() == {"choices": []}
    for chunk in ({}, {"choices": [None]}, {"choices": [{"delta": None}]}, {"choices": "x"}):
        assert gathered.add(chunk) == ("", "")
    odd = {"tool_calls": [None, {"function": None}, {"index": 1, "function": {"name": 7}}]}
    assert gathered.add({"choices": [{"delta": odd | {"content": "a"}}]}) == ("a", "")
    assert len(gathered.answer()["choices"][0]["message"]["tool_calls"]) == 2
    with pytest.raises(AttributedError, match="the stream broke off"):
        gathered.add({"error": {"message": "out of memory"}})
