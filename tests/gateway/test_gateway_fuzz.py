"""The HTTP surface under generated requests: no 500, no hang, and refusals in the protocol's shape.

Requests are broken in every way that a schema can be: right ones with parts replaced, wrong types at
any depth, and bytes that are no JSON. All examples go to one gateway, over ASGI without a socket, so
that one poisoned request would be noticed by the next.
"""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyman.gateway import Gateway, GatewaySettings, SpokenModel
from journeyman.models import ScriptedModel
from journeyman.templates import get_template, list_templates
from journeyman.types import Message, ToolCall

SEARCH = settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
CALL = ToolCall(name="f", arguments={"a": "é", "b": [1, None]})
SCRIPT = (Message(role="assistant", content="Hm.", tool_calls=(CALL,)),) * 4
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "array"}}}
CHAT_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": "x"}'}}
RIGHT = {
    "/v1/chat/completions": {
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "u"}]},
            {"role": "assistant", "content": None, "tool_calls": [CHAT_CALL]},
            {"role": "tool", "tool_call_id": "c", "content": "r"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        "tool_choice": "auto",
        "stream": True,
        "stream_options": {"include_usage": True},
        "stop": ["x"],
        "seed": 1,
        "temperature": 1,
        "top_p": 0.5,
        "logprobs": True,
        "max_tokens": 40,
        "parallel_tool_calls": False,
    },
    "/v1/completions": {
        "model": "m",
        "prompt": "p",
        "max_tokens": 30,
        "stream": False,
        "stop": "x",
        "logprobs": 1,
    },
    "/v1/responses": {
        "model": "m",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "u"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "r"},
        ],
        "instructions": "i",
        "tools": [
            {"type": "function", "name": "f", "parameters": SCHEMA},
            {"type": "custom", "name": "g"},
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "max_output_tokens": 40,
        "stream": True,
        "store": True,
        "text": {"format": {"type": "text"}},
    },
    "/v1/messages": {
        "model": "m",
        "max_tokens": 40,
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": "u"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c", "content": "r"}],
            },
        ],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "thinking": {"type": "enabled", "budget_tokens": 10},
        "stop_sequences": ["x"],
        "stream": True,
    },
    "/v1/messages/count_tokens": {"model": "m", "messages": [{"role": "user", "content": "u"}]},
}
FIELDS = [
    "role",
    "content",
    "type",
    "text",
    "name",
    "id",
    "input",
    "properties",
    "function",
    "$ref",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -1, 0, 2**63, 1e308, 1.5])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["user", "assistant", "tool", "text", "f", "required", "\ud83d", "\0", "<|im_end|>"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


def paths(value, path=()):
    """Every place in a document."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(item, (*path, key))


def changed(value, path, new):
    """The document with the value at a place replaced, or taken out."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and new is Ellipsis:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(value[path[0]], path[1:], None if new is Ellipsis else new)
    return copy


@st.composite
def bodies(draw, right):
    """A right request with up to three places changed, or bytes that are none."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=40))
    body = right
    for _ in range(draw(st.integers(0, 3))):
        if not isinstance(body, dict | list):
            break
        path = draw(st.sampled_from(list(paths(body))))
        is_removed = bool(path) and draw(st.booleans())
        body = changed(body, path, ... if is_removed else draw(VALUES))
    return json.dumps(body).encode()


async def ask(app, path, body, headers=()):
    """One exchange over ASGI; a client that has sent its body and waits."""
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    sent = []

    async def receive():
        if incoming:
            return incoming.pop()
        return await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": list(headers),
        "server": ("localhost", 80),
        "client": ("localhost", 1),
    }
    async with asyncio.timeout(30):
        await app(scope, receive, send)
    data = b"".join(it.get("body", b"") for it in sent)
    return sent[0]["status"], dict(sent[0]["headers"])[b"content-type"], data


def check(path, status, kind, data):
    """Hold an answer to what every answer is."""
    assert status in (200, 400, 404), data
    if kind.startswith(b"text/event-stream"):
        blocks = data.decode().split("\n\n")
        assert blocks.pop() == ""
        for block in blocks:
            line = block.split("\n")[-1]
            assert line == "data: [DONE]" or json.loads(line.removeprefix("data: "))
        return
    record = json.loads(data)
    if status != 200:
        assert record["error"]["message"]
        assert record["error"]["type"]
        assert ("param" in record["error"]) is ("messages" not in path)


def gateway(template):
    model = SpokenModel(ScriptedModel("script", SCRIPT), get_template(template))
    limits = GatewaySettings(context_tokens=20_000, max_tokens=60, num_remembered=20)
    return Gateway(model, get_template(template), limits)


@pytest.mark.parametrize("path", RIGHT)
def test_no_request_breaks_the_gateway(path):
    made = gateway("qwen3_coder")
    app = made.app()

    @SEARCH
    @given(bodies(RIGHT[path]))
    def search(body):
        check(path, *asyncio.run(ask(app, path, body)))

    search()
    assert made.gate.num_inside == 0


@pytest.mark.parametrize("template", list_templates())
def test_no_schema_and_no_history_breaks_a_template(template):
    """What clients put into schemas, arguments and contents reaches the template as it is."""
    app = gateway(template).app()
    right = RIGHT["/v1/chat/completions"]
    history = st.lists(
        st.builds(lambda it: right["messages"][it], st.integers(0, 3)), min_size=1, max_size=5
    )

    @settings(SEARCH, max_examples=25)
    @given(VALUES, VALUES, VALUES, history, st.sampled_from(["auto", "required", "none"]))
    def search(properties, parameters, argument, messages, choice):
        odd = {"type": "object", "properties": {"a": properties, "b": {"type": argument}}}
        tools = [
            {"type": "function", "function": {"name": "f", "parameters": odd}},
            {
                "type": "function",
                "function": {"name": "g", "parameters": {"properties": parameters}},
            },
        ]
        function = {"name": "f", "arguments": json.dumps({"a": argument})}
        call = {"role": "assistant", "tool_calls": [{"id": "c", "function": function}]}
        body = right | {"tools": tools, "messages": [*messages, call], "tool_choice": choice}
        data = json.dumps(body).encode()
        check("/v1/chat", *asyncio.run(ask(app, "/v1/chat/completions", data)))

    search()


@SEARCH
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"authorization", b"x-api-key", b"origin", b"content-length"]),
            st.binary(max_size=20),
        ),
        max_size=4,
    )
)
def test_no_header_breaks_the_gateway(headers):
    app = gateway("hermes").app()
    body = json.dumps(RIGHT["/v1/messages"]).encode()
    status, _, data = asyncio.run(ask(app, "/v1/messages", body, headers))
    assert status in (200, 403, 413), data
