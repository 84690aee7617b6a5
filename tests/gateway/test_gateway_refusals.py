"""What Messages, Responses and Completions refuse, and that the field is named in their own shape."""

import pytest

MESSAGES = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
RESPONSES = {"model": "m", "input": "Hi"}
COMPLETIONS = {"model": "m", "prompt": "Hi"}


def said(*content, role="user"):
    return {"messages": [{"role": role, "content": list(content)}]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "s"}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        (said({"type": "text"}), "messages[0].content[0].text"),
        (said({"type": "tool_result"}), "messages[0].content[0].tool_use_id"),
        (said({"type": "tool_use", "id": "a"}, role="assistant"), "messages[0].content[0].name"),
        (said({"type": "audio"}, role="assistant"), "messages[0].content[0].type"),
        ({"tools": [{"name": ""}]}, "tools[0].name"),
        ({"tools": [{"name": "w", "type": "web_search_20250305"}]}, "tools[0].type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"stop_sequences": [""]}, "stop_sequences[0]"),
        ({"temperature": 1.5}, "temperature"),
        ({"system": 3}, "system"),
    ],
)
async def test_messages(kit, change, field):
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        status, answer = await client.post("/v1/messages", MESSAGES | change)
    assert status == 400
    assert answer["type"] == "error"
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["message"].startswith(f"{field}: ")


async def test_what_messages_take_besides_text(kit):
    document = {"type": "document", "source": {"type": "text", "data": "A page."}}
    picture = {"type": "image", "source": {"type": "base64"}}
    call = {"type": "tool_use", "id": "c", "name": "bash", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "c", "content": [picture]}
    messages = [
        {"role": "user", "content": [document]},
        {"role": "assistant", "content": [{"type": "redacted_thinking"}, call]},
        {"role": "user", "content": [result]},
        {"role": "system", "content": "Late."},
    ]
    script = (kit.say("unused"), kit.say("Hi."))
    async with kit.running(kit.spoken(*script)) as client:
        status, _ = await client.post("/v1/messages", MESSAGES | {"messages": messages})
        turn = next(iter(client.gateway.sessions.find("").conversations._known.values())).turn
    assert status == 200
    for text in ("A page.", "[image left out: the model reads text]", "Late."):
        assert text in turn.prompt_text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"input": []}, "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"type": "function_call", "arguments": "{}"}]}, "input[0].name"),
        (
            {"input": [{"type": "function_call", "name": "f", "arguments": "[]"}]},
            "input[0].arguments",
        ),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            "input[0].content[0].type",
        ),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"background": True}, "background"),
        ({"metadata": {"a": 1}}, "metadata.a"),
    ],
)
async def test_responses(kit, change, field):
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        status, answer = await client.post("/v1/responses", RESPONSES | change)
    assert (status, answer["error"]["param"]) == (400, field)
    assert answer["error"]["message"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": [[-1]]}, "prompt[0][0]"),
        ({"echo": True}, "echo"),
        ({"suffix": "x"}, "suffix"),
        ({"logprobs": 6}, "logprobs"),
    ],
)
async def test_completions(kit, change, field):
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        status, answer = await client.post("/v1/completions", COMPLETIONS | change)
    assert (status, answer["error"]["param"]) == (400, field)


async def test_plain_prompts_need_a_model_that_reads_text(kit):
    async with kit.running(kit.spoken(kit.say("Hi.")).model) as client:
        raw = await client.post("/v1/completions", COMPLETIONS)
        forced = kit.ask | {"tools": [kit.bash], "tool_choice": "required"}
        demanded = await client.post("/v1/chat/completions", forced)
    assert (raw[0], raw[1]["error"]["param"]) == (400, "prompt")
    assert (demanded[0], demanded[1]["error"]["param"]) == (400, "tool_choice")


async def test_a_failure_of_the_gateway_itself_is_told_and_logged(kit, caplog):
    async with kit.running(kit.spoken(kit.say("Hi."))) as client:
        client.gateway.engine.template = None
        status, answer = await client.post("/v1/messages", MESSAGES)
    assert (status, answer["error"]["type"]) == (500, "api_error")
    assert "a call failed in the gateway itself" in caplog.text
