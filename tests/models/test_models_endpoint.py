"""Endpoints over real HTTP: the llama.cpp server, and a small server that misbehaves on request."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from journeyman.errors import AttributedError, JourneymanError
from journeyman.models import ContextOverflowError, LlamaSettings, open_model
from journeyman.models.llama_process import start_llama
from journeyman.models.smollm2 import obtain_smollm2
from journeyman.types import Message, Prompt, Sampling, ToolCall, ToolSpec

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BASH = ToolSpec(
    name="bash",
    description="Run a command.",
    parameters={
        "type": "object",
        "properties": {"command": {"type": "string"}},
        "required": ["command"],
    },
)
PROMPT = Prompt(messages=(Message(role="user", content="List the files."),), tools=(BASH,))


@asynccontextmanager
async def serving(handler: Handler, models: tuple[str, ...] = ("m",)) -> AsyncIterator[str]:
    """Serve chat completions with `handler` on loopback; yields the address of a spec."""

    async def list_models(_request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": name} for name in models]})

    application = web.Application(client_max_size=64 << 20)
    application.router.add_post("/v1/chat/completions", handler)
    application.router.add_get("/v1/models", list_models)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def answering(choice: Any = None, status: int = 200, **fields: Any) -> Handler:
    async def handle(_request: web.Request) -> web.Response:
        record = {"choices": [choice]} if choice is not None else {}
        return web.json_response(record | fields, status=status)

    return handle


def saying(status: int, body: str) -> Handler:
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="application/json")

    return handle


def calling(*functions: Any, **message: Any) -> dict[str, Any]:
    calls = [{"id": f"id{index}", "function": it} for index, it in enumerate(functions)]
    record = {"role": "assistant", "content": None, "tool_calls": calls}
    return {"message": record | message, "finish_reason": "tool_calls"}


async def ask(handler: Handler, prompt: Prompt = PROMPT, **sampling: Any) -> Any:
    async with serving(handler) as url:
        model = await open_model(f"{url}#m")
        try:
            return await model.complete(prompt, Sampling(**sampling))
        finally:
            await model.close()


async def test_a_call_is_read_with_usage_and_thoughts() -> None:
    choice = calling(
        {"name": "bash", "arguments": '{"command": "ls"}'}, content="Look.", reasoning_content="Hm."
    )
    usage = {"prompt_tokens": 12, "completion_tokens": 5, "cost": 0.25}
    done = await ask(answering(choice, usage=usage, model="m-2026"))
    call = ToolCall(name="bash", arguments={"command": "ls"}, id="id0")
    assert done.message == Message(
        role="assistant", content="Look.", reasoning="Hm.", tool_calls=(call,)
    )
    assert (done.num_prompt_tokens, done.num_completion_tokens) == (12, 5)
    assert (done.cost_usd, done.model_version, done.finish_reason) == (0.25, "m-2026", "stop")


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        ({"name": "bash", "arguments": '{"command": "l'}, "bad_json", '{"command": "l'),
        ({"name": "bash", "arguments": "[" * 100_000}, "bad_json", "[[["),
        ({"name": "bash", "arguments": '["ls"]'}, "wrong_type", "no object"),
        ({"name": "bash", "arguments": 7}, "wrong_type", "no object"),
        ({"arguments": "{}"}, "missing_name", "names no tool"),
        (None, "missing_name", "names no tool"),
        ("bash", "missing_name", "names no tool"),
    ],
)
async def test_a_malformed_call_is_a_format_error(function: Any, kind: str, words: str) -> None:
    good = {"name": "bash", "arguments": {"command": "ls"}}
    done = await ask(answering(calling(function, good, {"name": "submit", "arguments": ""})))
    assert [call.name for call in done.message.tool_calls] == ["bash", "submit"]
    assert [error.kind for error in done.format_errors] == [kind]
    assert words in done.format_errors[0].message
    assert len(done.format_errors[0].message) < 400


async def test_what_is_sent_is_the_whole_conversation() -> None:
    seen: list[dict[str, Any]] = []

    async def keep(request: web.Request) -> web.Response:
        seen.append(await request.json() | {"key": request.headers.get("Authorization")})
        return web.json_response({"choices": [{"message": {"content": "ok"}}]})

    call = ToolCall(name="bash", arguments={"command": "é"}, id="x")
    messages = (
        Message(role="system", content="s"),
        Message(role="user", content="u"),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", content="out", tool_call_id="x", name="bash"),
    )
    done = await ask(
        keep, Prompt(messages=messages, tools=(BASH,)), seed=3, stop=("END",), max_tokens=9
    )
    body = seen[0]
    assert done.message.content == "ok"
    assert done.num_completion_tokens > 0
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    function = body["messages"][2]["tool_calls"][0]["function"]
    assert function == {"name": "bash", "arguments": '{"command": "é"}'}
    assert body["messages"][3]["tool_call_id"] == "x"
    assert body["tools"][0]["function"]["parameters"] == BASH.parameters
    assert (body["model"], body["max_tokens"], body["seed"], body["stop"]) == ("m", 9, 3, ["END"])


@pytest.mark.parametrize(
    ("handler", "cause"),
    [
        (saying(500, "{}"), "model_unreachable"),
        (saying(503, "loading"), "model_unreachable"),
        (saying(429, '{"error": "slow down"}'), "model_unreachable"),
        (saying(504, "gateway"), "model_timeout"),
        (saying(401, "who?"), "model_refused"),
        (saying(302, "elsewhere"), "model_refused"),
        (saying(200, '{"choices": [{"mess'), "model_unreachable"),
        (saying(200, "[]"), "model_unreachable"),
        (saying(200, "{}"), "model_refused"),
        (saying(200, '{"error": {"message": "overloaded"}}'), "model_refused"),
        (saying(200, '{"choices": [{"message": null}]}'), "model_refused"),
    ],
)
async def test_failures_have_their_cause(handler: Handler, cause: str) -> None:
    with pytest.raises(AttributedError) as caught:
        await ask(handler)
    assert caught.value.cause == cause
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        '{"error": {"code": "context_length_exceeded"}}',
        "This model's maximum context length is 4096 tokens. However, you requested 5000",
        "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
    ],
)
async def test_a_conversation_that_is_too_long_is_an_overflow(text: str) -> None:
    with pytest.raises(ContextOverflowError):
        await ask(saying(400, text))


async def test_a_connection_that_was_closed_while_idle_is_opened_anew() -> None:
    good = answering({"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"})
    num_asked = 0

    async def hang_up_once(request: web.Request) -> web.StreamResponse:
        nonlocal num_asked
        num_asked += 1
        if num_asked == 2:
            assert request.transport is not None
            request.transport.abort()
        return await good(request)

    async with serving(hang_up_once) as url:
        model = await open_model(f"{url}#m")
        for _ in range(3):
            assert (await model.complete(PROMPT, Sampling())).message.content == "hi"
        await model.close()
    assert num_asked == 4


async def test_a_connection_that_breaks_within_the_answer_is_unreachable() -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"choices": ')
        assert request.transport is not None
        request.transport.close()
        return response

    with pytest.raises(AttributedError) as caught:
        await ask(break_off)
    assert caught.value.cause == "model_unreachable"


async def test_names_keys_prices_and_timeouts_come_from_models_toml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        seen.append(body | {"key": request.headers.get("Authorization")})
        if body["messages"][0]["content"] == "wait":
            await asyncio.sleep(30)
        logprobs = {"content": [{"token": "o", "logprob": -0.5}, {"token": "k", "logprob": -1.0}]}
        choice = {"message": {"content": "ok"}, "logprobs": logprobs, "token_ids": [5, 6]}
        usage = {"prompt_tokens": 1000, "completion_tokens": 2}
        return web.json_response(
            {"choices": [choice], "usage": usage, "prompt_token_ids": [1, 2, 3]}
        )

    monkeypatch.chdir(tmp_path)
    async with serving(answer) as url:
        Path("models.toml").write_text(
            f'[mine]\nspec = "{url}#big"\napi_key_env = "MINE_KEY"\ntimeout_s = 0.5\n'
            'max_tokens_key = "max_completion_tokens"\nbody = { logprobs = true }\n'
            "usd_per_million_prompt_tokens = 2.0\nusd_per_million_completion_tokens = 500.0\n"
        )
        with pytest.raises(JourneymanError, match="MINE_KEY is not set"):
            await open_model("mine")
        monkeypatch.setenv("MINE_KEY", "secret")
        model = await open_model("mine")
        done = await model.complete(PROMPT, Sampling(max_tokens=7))
        slow = Prompt(messages=(Message(role="user", content="wait"),))
        with pytest.raises(AttributedError) as caught:
            await model.complete(slow, Sampling())
        await model.close()
    assert model.name == "mine"
    assert (seen[0]["key"], seen[0]["model"], seen[0]["logprobs"]) == ("Bearer secret", "big", True)
    assert seen[0]["max_completion_tokens"] == 7
    assert "max_tokens" not in seen[0]
    assert (done.token_ids, done.logprobs) == ((5, 6), (-0.5, -1.0))
    assert done.prompt_token_ids == (1, 2, 3)
    assert done.cost_usd == pytest.approx(0.003)
    assert caught.value.cause == "model_timeout"


async def test_calls_run_in_parallel() -> None:
    all_there = asyncio.Barrier(8)

    async def meet(_request: web.Request) -> web.Response:
        async with asyncio.timeout(10):
            await all_there.wait()
        return web.json_response({"choices": [{"message": {"content": "ok"}}]})

    async with serving(meet) as url:
        model = await open_model(f"{url}#m")
        answers = await asyncio.gather(*(model.complete(PROMPT, Sampling()) for _ in range(8)))
        await model.close()
    assert len(answers) == 8


async def test_the_only_model_of_a_server_needs_no_name() -> None:
    async with serving(answering(calling())) as url:
        model = await open_model(url)
        await model.close()
    assert model.name == "m"
    async with serving(answering(calling()), models=("a", "b")) as url:
        with pytest.raises(JourneymanError, match="it has a, b") as caught:
            await open_model(url)
    assert caught.value.hint == f"write {url}#NAME"


async def test_an_address_without_a_server_is_one_error() -> None:
    with pytest.raises(JourneymanError, match="no model server at"):
        await open_model("http://127.0.0.1:9/v1#m")
    with pytest.raises(JourneymanError, match="is no address"):
        await open_model("http://#m")


@pytest.mark.model
@pytest.mark.network
async def test_a_real_server_answers_calls_and_overflows() -> None:
    process = await start_llama(
        LlamaSettings(path=await obtain_smollm2(), context_tokens=1024, num_slots=2)
    )
    try:
        model = await open_model(f"{process.url}/v1#smollm2")
        plain = Prompt(messages=(Message(role="user", content="Say hi"),))
        talk, call = await asyncio.gather(
            model.complete(plain, Sampling(temperature=0.0, max_tokens=8)),
            model.complete(PROMPT, Sampling(temperature=0.0, max_tokens=200)),
        )
        with pytest.raises(ContextOverflowError):
            await model.complete(
                Prompt(messages=(Message(role="user", content="x " * 3000),)), Sampling()
            )
        await model.close()
    finally:
        await process.close()
    assert (talk.finish_reason, talk.num_completion_tokens) == ("length", 8)
    assert talk.message is not None
    assert talk.message.content
    assert talk.num_prompt_tokens > 5
    assert call.message is not None
    known = call.message.tool_calls or call.message.content or call.format_errors
    assert known
    json.dumps(call.model_dump(mode="json"))
