"""The official clients of OpenAI and Anthropic against the gateway: every protocol, streamed and not."""

import json
from contextlib import asynccontextmanager

import anthropic
import openai
import pytest

BASH_PARAMETERS = {"type": "object", "properties": {"command": {"type": "string"}}}
RESPONSES_TOOL = {
    "type": "function",
    "name": "bash",
    "description": "Run a command.",
    "parameters": BASH_PARAMETERS,
    "strict": False,
}
ANTHROPIC_TOOL = {"name": "bash", "description": "Run it.", "input_schema": BASH_PARAMETERS}
USER = [{"role": "user", "content": "List the files."}]
LS = {"command": "ls -la"}
TEMPLATES = ("qwen3_coder", "hermes", "kimik2", "deepseekv31", "harmony_json", "mistral3")


@asynccontextmanager
async def clients(kit, *script, template="qwen3_coder", **settings):
    async with (
        kit.running(kit.spoken(*script, template=template), template, **settings) as client,
        openai.AsyncOpenAI(base_url=f"{client.url}/v1", api_key="k", max_retries=0) as one,
        anthropic.AsyncAnthropic(base_url=client.url, api_key="k", max_retries=0) as other,
    ):
        yield one, other, client.gateway


# --- OpenAI: Chat Completions -------------------------------------------------------------------


@pytest.mark.parametrize("template", TEMPLATES)
async def test_chat_through_two_turns(kit, template):
    script = (kit.say("", LS), kit.say("There is one file."))
    async with clients(kit, *script, template=template) as (client, _, _):
        first = await client.chat.completions.create(model="m", messages=USER, tools=[kit.bash])
        call = first.choices[0].message.tool_calls[0]
        history = [
            *USER,
            first.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "a.py"},
        ]
        text = ""
        async with client.chat.completions.stream(
            model="m", messages=history, tools=[kit.bash], stream_options={"include_usage": True}
        ) as stream:
            async for event in stream:
                if event.type == "content.delta":
                    text += event.delta
            final = await stream.get_final_completion()
    assert first.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("bash", LS)
    assert text == final.choices[0].message.content == "There is one file."
    assert final.usage.prompt_tokens_details.cached_tokens > 0


async def test_chat_streams_calls(kit):
    async with (
        clients(kit, kit.say("Look.", LS, {"command": "pwd"})) as (client, _, _),
        client.chat.completions.stream(model="m", messages=USER, tools=[kit.bash]) as stream,
    ):
        final = await stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [LS, {"command": "pwd"}]
    assert final.choices[0].finish_reason == "tool_calls"
    assert final.choices[0].message.content == "Look."


async def test_chat_errors_are_the_clients_own(kit):
    async with clients(kit) as (client, _, _):
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(model="m", messages=USER, temperature=9)
        assert caught.value.param == "temperature"
        with pytest.raises(openai.BadRequestError, match="script of script ends"):
            await client.chat.completions.create(model="m", messages=USER)
        with pytest.raises(openai.BadRequestError, match="script of script ends"):
            await client.chat.completions.create(model="m", messages=USER, stream=True)


async def test_models(kit):
    async with clients(kit) as (one, other, _):
        assert [model.id async for model in one.models.list()] == ["script"]
        assert [model.id async for model in other.models.list()] == ["script"]
        assert (await other.models.retrieve("x")).id == "x"


async def test_answers_of_a_schema(kit):
    from pydantic import BaseModel

    class Verdict(BaseModel):
        is_good: bool

    script = kit.say('{"is_good": true}')
    async with clients(kit, script) as (one, other, gateway):
        seen = []
        draw = gateway.engine.model.stream
        gateway.engine.model.stream = lambda prompt, sampling: (
            seen.append(sampling.json_schema) or draw(prompt, sampling)
        )
        chat = await one.chat.completions.parse(model="m", messages=USER, response_format=Verdict)
        response = await one.responses.parse(model="m", input="x", text_format=Verdict)
        message = await other.messages.parse(
            model="m", max_tokens=99, messages=USER, output_format=Verdict
        )
        await one.chat.completions.create(
            model="m", messages=USER, response_format={"type": "json_object"}
        )
        for change, field in (
            ({"tools": [kit.bash]}, "response_format"),
            ({"response_format": {"type": "json_schema"}}, "response_format"),
            (
                {"response_format": {"type": "json_schema", "json_schema": {}}},
                "response_format.json_schema.schema",
            ),
        ):
            asked = {"response_format": {"type": "json_object"}, **change}
            with pytest.raises(openai.BadRequestError) as caught:
                await one.chat.completions.create(model="m", messages=USER, **asked)
            assert caught.value.param == field
        gateway.engine.model.holds_schemas = False
        with pytest.raises(openai.BadRequestError, match="cannot be held to a schema"):
            await one.chat.completions.parse(model="m", messages=USER, response_format=Verdict)
    assert chat.choices[0].message.parsed == Verdict(is_good=True)
    assert response.output_parsed == Verdict(is_good=True)
    assert message.parsed_output == Verdict(is_good=True)
    assert [schema["properties"]["is_good"]["type"] for schema in seen[:3]] == ["boolean"] * 3
    assert seen[3] == {"type": "object"}


# --- OpenAI: Completions ------------------------------------------------------------------------


async def test_completions(kit):
    async with clients(kit, kit.say("one two three")) as (client, _, gateway):
        whole = await client.completions.create(
            model="m", prompt="Count:", max_tokens=100, logprobs=1, stop=" three"
        )
        stream = await client.completions.create(
            model="m", prompt="Count:", max_tokens=1, stream=True
        )
        chunks = [chunk async for chunk in stream]
        by_tokens = await client.completions.create(
            model="m", prompt=[[67, 111]], max_tokens=100, stop="<|im_end|>"
        )
        nodes = list(gateway.sessions.find("k").conversations._known.values())
        with pytest.raises(openai.BadRequestError) as caught:
            await client.completions.create(model="m", prompt=["a", "b"])
    assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("one two", "stop")
    tokens = whole.choices[0].logprobs
    assert len(tokens.tokens) == len(tokens.token_logprobs) == whole.usage.completion_tokens
    assert tokens.token_logprobs == list(nodes[0].logprobs)
    assert chunks[-1].choices[0].finish_reason == "length"
    assert "one two".startswith("".join(chunk.choices[0].text for chunk in chunks))
    assert by_tokens.choices[0].text == "one two three"
    assert by_tokens.usage.prompt_tokens == 2
    assert caught.value.param == "prompt"
    assert nodes[0].turn.prompt_text == "Count:"


# --- OpenAI: Responses --------------------------------------------------------------------------


async def test_responses_include_the_log_probabilities_that_are_asked_for(kit):
    asked = {"model": "m", "input": USER, "include": ["message.output_text.logprobs"]}
    async with clients(kit, kit.say("one two three"), kit.say("one two three")) as (client, _, _):
        whole = await client.responses.create(**asked)
        events = [it async for it in await client.responses.create(stream=True, **asked)]
        bare = await client.responses.create(model="m", input=USER)
    entries = whole.output[-1].content[0].logprobs
    assert "".join(entry.token for entry in entries) == "one two three"
    assert len(entries) == whole.usage.output_tokens
    assert all(entry.logprob <= 0 for entry in entries)
    grown = [
        each for it in events if it.type == "response.output_text.delta" for each in it.logprobs
    ]
    (done,) = (it for it in events if it.type == "response.output_text.done")
    assert "".join(it.token for it in grown) == "one two three"
    assert len(done.logprobs) == len(events[-1].response.output[-1].content[0].logprobs)
    assert bare.output[-1].content[0].logprobs == []


@pytest.mark.parametrize("template", TEMPLATES)
async def test_responses_through_two_turns(kit, template):
    script = (kit.say("I look.", LS), kit.say("There is one file."))
    async with clients(kit, *script, template=template) as (client, _, _):
        first = await client.responses.create(
            model="m", input=USER, instructions="Be brief.", tools=[RESPONSES_TOOL]
        )
        call = first.output[-1]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "a.py"}
        kinds = []
        async with client.responses.stream(
            model="m",
            input=[*USER, *(item.model_dump() for item in first.output), result],
            instructions="Be brief.",
            tools=[RESPONSES_TOOL],
        ) as stream:
            async for event in stream:
                kinds.append(event.type)
            final = await stream.get_final_response()
    assert first.status == final.status == "completed"
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "bash", LS)
    assert final.output_text == "There is one file."
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert final.usage.input_tokens_details.cached_tokens > 0


async def test_responses_stream_calls_and_reasoning(kit):
    script = kit.say("", LS, reasoning="Hm.")
    async with (
        clients(kit, script, template="deepseekr1") as (client, _, _),
        client.responses.stream(model="m", input="List.", tools=[RESPONSES_TOOL]) as stream,
    ):
        events = [event async for event in stream]
        final = await stream.get_final_response()
    numbers = [event.sequence_number for event in events]
    assert numbers == list(range(len(events)))
    assert [item.type for item in final.output] == ["reasoning", "function_call"]
    assert final.output[0].content[0].text == "Hm."
    assert json.loads(final.output[1].arguments) == LS
    deltas = [it.delta for it in events if it.type == "response.function_call_arguments.delta"]
    assert json.loads("".join(deltas)) == LS


async def test_a_response_is_continued_by_its_identifier(kit):
    script = (kit.say("I look.", LS), kit.say("Done."))
    async with clients(kit, *script) as (client, _, gateway):
        asked = {"model": "m", "instructions": "Be brief.", "tools": [RESPONSES_TOOL]}
        first = await client.responses.create(input="List.", **asked)
        result = {"type": "function_call_output", "output": "a.py"}
        result["call_id"] = first.output[-1].call_id
        second = await client.responses.create(
            input=[result], previous_response_id=first.id, **asked
        )
        nodes = list(gateway.sessions.find("k").conversations._known.values())
        with pytest.raises(openai.NotFoundError) as caught:
            await client.responses.create(input=[result], previous_response_id="resp_x", **asked)
    assert second.output_text == "Done."
    assert nodes[1].parent is nodes[0]
    assert not nodes[1].turn.prompt_is_rewritten
    assert caught.value.param == "previous_response_id"


async def test_a_custom_tool_takes_bare_text(kit):
    from journeyman.types import Message, ToolCall

    patch = "*** Begin\n+é"
    call = ToolCall(name="apply_patch", arguments={"input": patch})
    script = (Message(role="assistant", tool_calls=(call,)), kit.say("Done."))
    tools = [{"type": "custom", "name": "apply_patch"}, {"type": "web_search"}]
    async with clients(kit, *script) as (client, _, gateway):
        asked = {"model": "m", "tools": tools}
        whole = await client.responses.create(input="Fix.", **asked)
        events = [
            e async for e in await client.responses.create(input="Fix.", stream=True, **asked)
        ]
        made = events[-1].response.output[0]
        result = {"type": "custom_tool_call_output", "call_id": made.call_id, "output": "ok"}
        history = [{"role": "user", "content": "Fix."}, made.model_dump(), result]
        last = await client.responses.create(input=history, **asked)
        nodes = list(gateway.sessions.find("k").conversations._known.values())
    assert (whole.output[0].type, whole.output[0].input) == ("custom_tool_call", patch)
    assert (made.type, made.input) == ("custom_tool_call", patch)
    assert "response.custom_tool_call_input.done" in [event.type for event in events]
    assert last.output_text == "Done."
    assert nodes[-1].parent is nodes[-2]


async def test_a_cut_response_is_incomplete(kit):
    script = kit.say("Look.", {"command": "echo " + "x" * 300})
    async with clients(kit, script) as (client, _, _):
        asked = {"model": "m", "input": "Go.", "tools": [RESPONSES_TOOL], "max_output_tokens": 90}
        whole = await client.responses.create(**asked)
        events = [event async for event in await client.responses.create(stream=True, **asked)]
    for response in (whole, events[-1].response):
        assert response.status == "incomplete"
        assert response.incomplete_details.reason == "max_output_tokens"
        assert [item.status for item in response.output] == ["completed", "incomplete"]
        assert response.output[1].arguments.startswith('{"command": "echo xx')
    assert events[-1].type == "response.incomplete"


# --- Anthropic: Messages ------------------------------------------------------------------------


@pytest.mark.parametrize("template", TEMPLATES)
async def test_messages_through_two_turns(kit, template):
    script = (kit.say("I look.", LS), kit.say("There is one file."))
    async with clients(kit, *script, template=template) as (_, client, _):
        asked = {"model": "m", "max_tokens": 500, "system": "Be brief.", "tools": [ANTHROPIC_TOOL]}
        first = await client.messages.create(messages=USER, **asked)
        call = first.content[-1]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "a.py"}
        history = [
            *USER,
            {"role": "assistant", "content": [block.model_dump() for block in first.content]},
            {"role": "user", "content": [result, {"type": "text", "text": "And now?"}]},
        ]
        async with client.messages.stream(messages=history, **asked) as stream:
            text = "".join([part async for part in stream.text_stream])
            final = await stream.get_final_message()
        counted = await client.messages.count_tokens(
            model="m", messages=USER, system="Be brief.", tools=[ANTHROPIC_TOOL]
        )
    assert (first.stop_reason, call.type, call.name, call.input) == (
        "tool_use",
        "tool_use",
        "bash",
        LS,
    )
    assert text == final.content[0].text == "There is one file."
    assert final.stop_reason == "end_turn"
    assert final.usage.cache_read_input_tokens > 0
    assert counted.input_tokens == first.usage.input_tokens


async def test_messages_stream_calls_and_thinking(kit):
    script = kit.say("So.", LS, {"command": "pwd"}, reasoning="Hm.")
    async with clients(kit, script, template="deepseekr1") as (_, client, _):
        asked = {"model": "m", "max_tokens": 2000, "messages": USER, "tools": [ANTHROPIC_TOOL]}
        thinking = {"type": "enabled", "budget_tokens": 1024}
        async with client.messages.stream(thinking=thinking, **asked) as stream:
            shown = await stream.get_final_message()
        whole = await client.messages.create(thinking=thinking, **asked)
        hidden = await client.messages.create(**asked)
    for message in (shown, whole):
        kinds = [block.type for block in message.content]
        assert kinds == ["thinking", "text", "tool_use", "tool_use"]
        assert message.content[0].thinking == "Hm."
        assert [block.input for block in message.content[2:]] == [LS, {"command": "pwd"}]
        assert message.stop_reason == "tool_use"
    assert [block.type for block in hidden.content] == ["text", "tool_use", "tool_use"]


async def test_messages_stop_sequences_choices_and_cuts(kit):
    async with clients(kit, kit.say("one two three", LS)) as (_, client, _):
        asked = {"model": "m", "messages": USER}
        stopped = await client.messages.create(max_tokens=90, stop_sequences=[" two"], **asked)
        cut = await client.messages.create(max_tokens=2, **asked)
        forced = await client.messages.create(
            max_tokens=900,
            tools=[ANTHROPIC_TOOL],
            tool_choice={"type": "tool", "name": "bash"},
            **asked,
        )
        prefilled = await client.messages.create(
            model="m", max_tokens=9, messages=[*USER, {"role": "assistant", "content": "one"}]
        )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " two")
    assert stopped.content[0].text == "one"
    assert cut.stop_reason == "max_tokens"
    assert [block.type for block in forced.content] == ["tool_use"]
    assert forced.content[0].input == LS
    assert prefilled.content[0].text.startswith(" two")


async def test_messages_errors_are_the_clients_own(kit):
    async with clients(kit, context_tokens=500) as (_, client, gateway):
        asked = {"model": "m", "max_tokens": 9}
        image = {"type": "image", "source": {"type": "url", "url": "http://localhost/x.png"}}
        with pytest.raises(anthropic.BadRequestError, match=r"messages\[0\].content\[0\].type"):
            await client.messages.create(messages=[{"role": "user", "content": [image]}], **asked)
        with pytest.raises(
            anthropic.BadRequestError, match=r"prompt is too long: .* > 500 maximum"
        ):
            await client.messages.create(
                messages=[{"role": "user", "content": "x" * 2000}], **asked
            )
        with pytest.raises(anthropic.BadRequestError, match="temperature"):
            await client.messages.create(messages=USER, extra_body={"temperature": 2}, **asked)
        with pytest.raises(anthropic.NotFoundError):
            await client.post("/v1/nothing", cast_to=object, body={})
        gateway.gate.is_closed = True
        with pytest.raises(anthropic.APIStatusError) as caught:
            await client.messages.create(messages=USER, **asked)
    assert caught.value.status_code == 529
    assert caught.value.type == "overloaded_error"
