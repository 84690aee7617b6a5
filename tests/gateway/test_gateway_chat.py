"""OpenAI's Chat Completions, streamed and in one piece, by a model that speaks token by token."""

import json
from typing import Any

import pytest

from journeyman.errors import JourneymanError
from journeyman.gateway import Gateway
from journeyman.gateway.prepare import fit_systems, writes_late_systems
from journeyman.gateway.request import ModelRequest
from journeyman.templates import get_template, list_templates
from journeyman.types import Message

CHAT = "/v1/chat/completions"
LS = {"command": "ls"}


def joined(events):
    """Put a stream together as a client does."""
    found = {"content": "", "reasoning": "", "calls": {}, "finish": None, "logprobs": []}
    for choice in (event["choices"][0] for event in events if event["choices"]):
        delta = choice["delta"]
        found["content"] += delta.get("content") or ""
        found["reasoning"] += delta.get("reasoning_content") or ""
        for part in delta.get("tool_calls", ()):
            call = found["calls"].setdefault(part["index"], {"arguments": ""})
            call["id"] = part.get("id", call.get("id"))
            call["name"] = part["function"].get("name", call.get("name"))
            call["arguments"] += part["function"]["arguments"]
        found["logprobs"] += (choice["logprobs"] or {}).get("content", ())
        found["finish"] = choice["finish_reason"] or found["finish"]
    return found


async def test_text_in_one_piece_and_streamed(kit):
    async with kit.running(kit.spoken(kit.say("Héllo 🌊, world."))) as client:
        status, whole = await client.post(CHAT, kit.ask)
        stream = await client.events(CHAT, kit.ask | {"stream": True})
    message = whole["choices"][0]["message"]
    assert (status, message["content"]) == (200, "Héllo 🌊, world.")
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert whole["object"] == "chat.completion"
    assert whole["usage"]["total_tokens"] == (
        whole["usage"]["prompt_tokens"] + whole["usage"]["completion_tokens"]
    )
    assert whole["usage"]["completion_tokens"] > 5
    assert "tool_calls" not in message
    assert stream[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert len(stream) > 5
    assert joined(stream)["content"] == "Héllo 🌊, world."
    assert joined(stream)["finish"] == "stop"
    assert len({event["id"] for event in stream}) == 1


@pytest.mark.parametrize("template", list_templates())
async def test_every_template_carries_calls_to_the_client(kit, template):
    message = kit.say("", {"command": "printf 'é\"<b>' && ls"})
    body = kit.ask | {"tools": [kit.bash]}
    async with kit.running(kit.spoken(message, template=template), template) as client:
        _, whole = await client.post(CHAT, body)
        stream = joined(await client.events(CHAT, body | {"stream": True}))
    call = whole["choices"][0]["message"]["tool_calls"][0]
    assert whole["choices"][0]["finish_reason"] == stream["finish"] == "tool_calls"
    assert call["function"]["name"] == stream["calls"][0]["name"] == "bash"
    assert json.loads(call["function"]["arguments"]) == message.tool_calls[0].arguments
    assert json.loads(stream["calls"][0]["arguments"]) == message.tool_calls[0].arguments
    assert call["id"].startswith("call_")
    assert call["id"] != stream["calls"][0]["id"]


@pytest.mark.parametrize("template", list_templates())
async def test_no_system_message_is_lost_wherever_it_stands(kit, template):
    """Claude Code and Codex send several, also behind the user's first words."""
    roles = ("system", "developer", "user", "system", "user")
    messages = [{"role": role, "content": f"<{n} {role}>"} for n, role in enumerate(roles)]
    async with kit.running(kit.spoken(kit.say("Hi."), template=template), template) as client:
        status, _ = await client.post(CHAT, kit.ask | {"messages": messages})
        turn = next(iter(client.gateway.sessions.find("").conversations._known.values())).turn
    assert status == 200
    assert all(message["content"] in turn.prompt_text for message in messages)


def test_a_template_that_refuses_late_system_messages_gets_none(tmp_path):
    path = tmp_path / "chat_template.jinja"
    path.write_text(
        "{% for it in messages %}{% if it.role == 'system' and not loop.first %}"
        "{{ raise_exception('no') }}{% endif %}<|{{ it.role }}|>{{ it.content }}{% endfor %}"
    )
    template = get_template(f"jinja:{path}")
    assert not writes_late_systems(template)
    roles: list[Any] = ["system", "system", "user", "system"]
    messages = tuple(Message(role=role, content=f"{n}") for n, role in enumerate(roles))
    request = ModelRequest(model="m", protocol="p", messages=messages)
    fitted = fit_systems(request, has_late=False).messages
    assert template.render(fitted) == "<|system|>0\n\n1<|user|>2<|user|>3"
    assert fit_systems(request, has_late=True).messages[-1].role == "system"


def test_a_template_that_cannot_read_serves_nobody(kit, tmp_path):
    path = tmp_path / "chat_template.jinja"
    path.write_text("x")
    with pytest.raises(JourneymanError, match="only renders"):
        Gateway(kit.spoken(), get_template(f"jinja:{path}"))


async def test_reasoning_has_a_field_of_its_own(kit):
    model = kit.spoken(kit.say("Done.", reasoning="Hm, yes."), template="deepseekr1")
    async with kit.running(model, "deepseekr1") as client:
        _, whole = await client.post(CHAT, kit.ask)
        stream = joined(await client.events(CHAT, kit.ask | {"stream": True}))
    assert whole["choices"][0]["message"]["reasoning_content"] == "Hm, yes."
    assert whole["choices"][0]["message"]["content"] == "Done."
    assert (stream["reasoning"], stream["content"]) == ("Hm, yes.", "Done.")


async def test_calls_in_parallel_or_one_at_a_time(kit):
    two = kit.say("I look.", LS, {"command": "pwd"})
    body = kit.ask | {"tools": [kit.bash]}
    single = body | {"parallel_tool_calls": False}
    async with kit.running(kit.spoken(two, two)) as client:
        _, both = await client.post(CHAT, body)
        _, one = await client.post(CHAT, single)
        streams = [
            joined(await client.events(CHAT, it | {"stream": True})) for it in (body, single)
        ]
    names = [
        [json.loads(it["function"]["arguments"])["command"] for it in calls]
        for calls in (answer["choices"][0]["message"]["tool_calls"] for answer in (both, one))
    ]
    assert names == [["ls", "pwd"], ["ls"]]
    assert [len(stream["calls"]) for stream in streams] == [2, 1]
    assert both["usage"]["completion_tokens"] > one["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("template", list_templates())
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "bash"}}])
async def test_a_call_can_be_demanded(kit, template, choice):
    """The prompt already writes the call's beginning, so the model cannot but go on with it."""
    model = kit.spoken(kit.say("", LS), template=template)
    body = kit.ask | {"tools": [kit.bash], "tool_choice": choice}
    async with kit.running(model, template) as client:
        _, whole = await client.post(CHAT, body)
        stream = joined(await client.events(CHAT, body | {"stream": True}))
        turn = next(iter(client.gateway.sessions.find("").conversations._known.values())).turn
    called = [whole["choices"][0]["message"]["tool_calls"][0]["function"], stream["calls"][0]]
    assert [(it["name"], json.loads(it["arguments"])) for it in called] == [("bash", LS)] * 2
    written = get_template(template).render_turn(kit.say("", LS))
    lead = written.removesuffix(turn.completion.text)
    assert lead
    assert turn.prompt_text.endswith(lead)


async def test_tools_can_be_forbidden(kit):
    body = kit.ask | {"tools": [kit.bash], "tool_choice": "none"}
    async with kit.running(kit.spoken(kit.say("No."))) as client:
        await client.post(CHAT, body)
        turn = next(iter(client.gateway.sessions.find("").conversations._known.values())).turn
    assert "bash" not in turn.prompt_text


async def test_a_stop_text_ends_the_turn_and_is_not_shown(kit):
    async with kit.running(kit.spoken(kit.say("one two three four"))) as client:
        for stop in ("three", ["never", " three"]):
            _, whole = await client.post(CHAT, kit.ask | {"stop": stop})
            stream = joined(await client.events(CHAT, kit.ask | {"stop": stop, "stream": True}))
            assert whole["choices"][0]["message"]["content"].strip() == "one two"
            assert stream["content"].strip() == "one two"
            assert whole["choices"][0]["finish_reason"] == "stop"


async def test_a_cut_call_stays_cut(kit):
    message = kit.say("Look.", {"command": "echo " + "x" * 200})
    body = kit.ask | {"tools": [kit.bash], "max_tokens": 90}
    async with kit.running(kit.spoken(message)) as client:
        _, whole = await client.post(CHAT, body)
        stream = joined(await client.events(CHAT, body | {"stream": True}))
        turns = [it.turn for it in client.gateway.sessions.find("").conversations._known.values()]
    choice = whole["choices"][0]
    cut = choice["message"]["tool_calls"][0]["function"]["arguments"]
    assert choice["finish_reason"] == stream["finish"] == "length"
    assert cut.startswith('{"command": "echo xxx')
    assert cut == stream["calls"][0]["arguments"]
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(cut)
    assert [turn.message.tool_calls for turn in turns] == [()]
    assert turns[0].format_errors[-1].kind == "cut_off"
    assert whole["usage"]["completion_tokens"] == 90


async def test_log_probabilities_belong_to_their_tokens(kit):
    body = kit.ask | {"logprobs": True, "top_logprobs": 1, "seed": 5}
    async with kit.running(kit.spoken(kit.say("one two three"))) as client:
        _, whole = await client.post(CHAT, body)
        stream = joined(await client.events(CHAT, body | {"stream": True}))
        node = next(iter(client.gateway.sessions.find("").conversations._known.values()))
    entries = whole["choices"][0]["logprobs"]["content"]
    assert entries == stream["logprobs"]
    assert [entry["logprob"] for entry in entries] == list(node.logprobs)
    assert len(entries) == whole["usage"]["completion_tokens"]
    assert "".join(entry["token"] for entry in entries) == "one two three"


async def test_a_seed_repeats_and_another_differs(kit):
    async with kit.running(
        kit.spoken(kit.say("some words that can be cut in many ways"))
    ) as client:
        for seed in (1, 1, 2):
            await client.post(CHAT, kit.ask | {"seed": seed}, Authorization=f"Bearer {seed}")
        nodes = [client.gateway.sessions.find(key).conversations._known for key in ("1", "2")]
    one, two = (next(iter(it.values())).token_ids for it in nodes)
    assert one != two


async def test_usage_closes_a_stream_where_it_is_asked_for(kit):
    body = kit.ask | {"stream": True, "stream_options": {"include_usage": True}}
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        stream = await client.events(CHAT, body)
    assert stream[-1]["choices"] == []
    assert stream[-1]["usage"]["completion_tokens"] > 0


async def test_unknown_fields_are_ignored(kit):
    message = {"role": "user", "content": [{"type": "text", "text": "Hi", "x": 1}], "cache": {}}
    body = {"model": "m", "messages": [message], "frequency_penalty": 0, "made_up": [1], "n": 1}
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        assert (await client.post(CHAT, body))[0] == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"n": 2}, "n"),
        ({"stop": [""]}, "stop[0]"),
        ({"stop": 7}, "stop"),
        ({"seed": "x"}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{"function": {"name": "f", "arguments": "{"}}],
                    }
                ]
            },
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"response_format": {"type": "poem"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"model": None}, "model"),
    ],
)
async def test_a_wrong_field_is_named(kit, change, field):
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        status, answer = await client.post(CHAT, kit.ask | change)
    assert status == 400
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["param"] == field
    assert answer["error"]["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"model": NaN}', b"[]", b'"\\ud83d"'])
async def test_a_body_that_is_no_request_is_refused(kit, data):
    async with (
        kit.running(kit.spoken(kit.say("Hi."))) as client,
        client.http.post(client.url + CHAT, data=data) as response,
    ):
        assert response.status == 400
        assert (await response.json())["error"]["message"]


async def test_half_a_character_in_a_tools_output_does_not_end_the_conversation(kit):
    body = b'{"model": "m", "messages": [{"role": "user", "content": "a\\ud83db"}]}'
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        async with client.http.post(client.url + CHAT, data=body) as response:
            assert response.status == 200
        turn = next(iter(client.gateway.sessions.find("").conversations._known.values())).turn
    assert "a\ufffdb" in turn.prompt_text


async def test_a_refusing_model_and_a_prompt_that_is_too_long(kit):
    async with kit.running(kit.spoken(), context_tokens=2000) as client:
        refused = await client.post(CHAT, kit.ask | {"stream": True})
        long = {"role": "user", "content": "x" * 9000}
        overflow = await client.post(CHAT, kit.ask | {"messages": [long]})
    assert refused[0] == overflow[0] == 400
    assert refused[1]["error"]["code"] == "model_refused"
    assert "the script of script ends" in refused[1]["error"]["message"]
    assert overflow[1]["error"]["code"] == "context_length_exceeded"


async def test_models_are_listed_and_paths_outside_refused(kit):
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        async with client.http.get(client.url + "/v1/models") as response:
            listing = await response.json()
        async with client.http.get(client.url + "/v1/models/org/name") as response:
            assert (await response.json())["id"] == "org/name"
        lost = await client.post("/v1/nothing", {})
        async with client.http.get(client.url + CHAT) as response:
            assert (response.status, response.headers["allow"]) == (405, "POST")
        async with client.http.head(client.url + "/") as response:
            assert response.status == 200
    assert [it["id"] for it in listing["data"]] == ["script"]
    assert lost[0] == 404
    assert lost[1]["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("null", 403),
        ("http://localhost:3000", 200),
        ("vscode-webview://x", 200),
    ],
)
async def test_web_pages_of_other_hosts_are_not_let_in(kit, origin, status):
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        assert (await client.post(CHAT, kit.ask, Origin=origin))[0] == status


async def test_a_malformed_turn_is_shown_rather_than_nothing(kit):
    model = kit.spoken(kit.say("<tool_call>\n<function=bash\n</tool_call>"))
    async with kit.running(model) as client:
        _, whole = await client.post(CHAT, kit.ask | {"tools": [kit.bash]})
    assert "<function=bash" in whole["choices"][0]["message"]["content"]
