"""vLLM and SGLang behind the gateway, spoken to in tokens.

Neither runs without a GPU: a small server speaks their wire formats, as their documentation and sources
give them, and draws with the script that speaks a template.
"""

import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from journeyman.errors import AttributedError, JourneymanError
from journeyman.gateway import bytes_tokens, check_fidelity, sequences, trajectories
from journeyman.models import ContextOverflowError, open_model
from journeyman.types import Completion, Message, Prompt, Sampling

CHAT = "/v1/chat/completions"
KEY = {"Authorization": "Bearer rollout-1"}
LONGEST = 4096


class Server:
    """Speaks vLLM's and SGLang's formats over one text model."""

    def __init__(self, model):
        self.model = model
        self.asked = []
        self.is_incremental = False
        self.failure = None

    def app(self):
        app = web.Application()
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/tokenize", self.tokenize)
        app.router.add_post("/detokenize", self.detokenize)
        app.router.add_post("/v1/completions", self.vllm)
        app.router.add_post("/generate", self.sglang)
        return app

    async def models(self, request):
        return web.json_response({"data": [{"id": "policy", "max_model_len": LONGEST}]})

    async def tokenize(self, request):
        body = await request.json()
        ids = bytes_tokens.encode(body["prompt"])
        return web.json_response({"tokens": ids, "count": len(ids), "max_model_len": LONGEST})

    async def detokenize(self, request):
        body = await request.json()
        text = bytes_tokens.decode(body["tokens"]).decode()
        # vLLM says `prompt`, SGLang `text`.
        return web.json_response({"text": text} if "generate" in self.paths else {"prompt": text})

    @property
    def paths(self):
        return " ".join(path for path, _ in self.asked)

    async def drawn(self, request, prompt, sampling):
        """Yield the pieces and the completion, or refuse as the servers do."""
        if self.failure is not None:
            raise web.HTTPBadRequest(text=json.dumps({"error": {"message": self.failure}}))
        # The script goes by the turns so far.
        num_turns = bytes_tokens.decode(prompt).decode().count("<|im_start|>assistant") - 1
        said = (Message(role="assistant"),) * max(0, num_turns)
        whole = Prompt(messages=said, token_ids=prompt)
        pieces = [it async for it in self.model.stream(whole, sampling)]
        return pieces[:-1], pieces[-1]

    async def send(self, request, events):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events:
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    async def vllm(self, request):
        body = await request.json()
        self.asked.append(("/v1/completions", body))
        assert body["return_token_ids"] is True
        assert body["skip_special_tokens"] is False
        sampling = Sampling(
            **{key: body[key] for key in ("max_tokens", "temperature", "top_p", "stop", "seed")}
        )
        pieces, done = await self.drawn(request, tuple(body["prompt"]), sampling)

        def choice(text, ids, logprobs, is_last):
            made = {"index": 0, "text": text, "token_ids": ids, "stop_reason": None}
            made["logprobs"] = {"token_logprobs": logprobs, "tokens": ["?"] * len(ids)}
            made["finish_reason"] = done.finish_reason if is_last else None
            return {"model": "policy", "choices": [made]}

        if not body.get("stream"):
            return web.json_response(choice(done.text, done.token_ids, done.logprobs, True))
        events = [choice(it.text, it.token_ids, it.logprobs, False) for it in pieces]
        events.append(choice("", (), (), True))
        return await self.send(request, [*events, {"choices": [], "usage": {"prompt_tokens": 1}}])

    async def sglang(self, request):
        body = await request.json()
        self.asked.append(("/generate", body))
        given = body["sampling_params"]
        sampling = Sampling(
            max_tokens=given["max_new_tokens"],
            temperature=given["temperature"],
            stop=given["stop"],
            seed=given["sampling_seed"],
        )
        pieces, done = await self.drawn(request, tuple(body["input_ids"]), sampling)

        def event(text, ids, logprobs, num, is_last):
            reason = {"type": done.finish_reason, "matched": 7} if is_last else None
            entries = [[value, token, None] for value, token in zip(logprobs, ids, strict=True)]
            about = {"output_token_logprobs": entries, "finish_reason": reason}
            about |= {"completion_tokens": num, "weight_version": "41"}
            return {"text": text, "output_ids": ids, "meta_info": about}

        ids, logprobs = done.token_ids, done.logprobs
        if not body.get("stream"):
            return web.json_response(event(done.text, ids, logprobs, len(ids), True))
        events, text, num = [], "", 0
        for it in pieces:
            text, num = text + it.text, num + len(it.token_ids)
            if self.is_incremental:
                events.append(event(it.text, it.token_ids, it.logprobs, num, False))
            else:
                events.append(event(text, ids[:num], logprobs[:num], num, False))
        last = ("", (), ()) if self.is_incremental else (text, ids, logprobs)
        return await self.send(request, [*events, event(*last, num, True)])


@asynccontextmanager
async def _served(kit, *script):
    server = Server(kit.spoken(*script))
    runner = web.AppRunner(server.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield server, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
async def test_a_conversation_keeps_every_token(kit, kind):
    script = [kit.say("Let me ⚙ look.", {"command": f"ls {n}"}) for n in range(2)]
    async with _served(kit, *script, kit.say("Done.")) as (server, url):
        model = await open_model(f"{kind}:{url}")
        try:
            async with kit.running(model) as client:
                session = client.gateway.sessions.open("rollout-1")
                messages = list(kit.ask["messages"])
                for turn in range(3):
                    body = kit.ask | {"messages": messages, "tools": [kit.bash]}
                    if turn == 1:
                        events = await client.events(CHAT, body | {"stream": True}, **KEY)
                        deltas = [it["choices"][0]["delta"] for it in events]
                        said = "".join(it.get("content") or "" for it in deltas)
                        parts = [call for it in deltas for call in it.get("tool_calls", ())]
                        text = "".join(it["function"]["arguments"] for it in parts)
                        call = {"id": parts[0]["id"], "type": "function"}
                        call["function"] = {"name": "bash", "arguments": text}
                        message = {"role": "assistant", "content": said, "tool_calls": [call]}
                    else:
                        _, whole = await client.post(CHAT, body, **KEY)
                        message = whole["choices"][0]["message"]
                    messages.append(message)
                    for call in message.get("tool_calls", ()):
                        answer = {"role": "tool", "tool_call_id": call["id"], "content": "a.py"}
                        messages.append(answer)
                record = client.gateway.record(session)
        finally:
            await model.close()
    assert model.context_tokens == LONGEST
    assert messages[-1]["content"] == "Done."
    found = check_fidelity(record)
    assert (found.num_checked, found.num_rewritten, found.breaches) == (3, 0, ())
    (trajectory,) = trajectories(record)
    (sequence,) = sequences(trajectory)
    assert all(p < 0 for p, it in zip(sequence.logprobs, sequence.is_sampled, strict=True) if it)
    version = {"vllm": "policy", "sglang": "41"}[kind]
    assert set(sequence.model_versions) == {"", version}
    # What was drawn was sent again as it was drawn.
    last = server.asked[-1][1]
    assert (
        tuple(last.get("prompt") or last["input_ids"])
        == sequence.token_ids[
            : len(sequence.token_ids) - len(record.turns[-1].turn.completion.token_ids)
        ]
    )


@pytest.mark.parametrize(
    ("kind", "is_incremental"), [("vllm", False), ("sglang", 0), ("sglang", 1)]
)
async def test_a_stream_is_the_completion(kit, kind, is_incremental):
    async with _served(kit, kit.say("One two three four.")) as (server, url):
        server.is_incremental = is_incremental
        model = await open_model(f"{kind}:{url}#policy")
        prompt = Prompt(
            messages=(), text="<|im_start|>user\nCount.<|im_end|>\n<|im_start|>assistant\n"
        )
        sampling = Sampling(max_tokens=100, stop=("<|im_end|>",), seed=5)
        try:
            whole = await model.complete(prompt, sampling)
            *pieces, done = [it async for it in model.stream(prompt, sampling)]
            cut = await model.complete(prompt, Sampling(max_tokens=2, seed=5))
        finally:
            await model.close()
    assert isinstance(done, Completion)
    assert done == whole
    assert done.text == "".join(it.text for it in pieces) == "One two three four."
    assert done.stop_text == "<|im_end|>"
    assert tuple(token for it in pieces for token in it.token_ids) == done.token_ids
    assert len(pieces) > 4
    assert (cut.finish_reason, cut.num_completion_tokens, cut.stop_text) == ("length", 2, "")


@pytest.mark.parametrize("kind", ["vllm", "sglang"])
async def test_schemas_are_handed_on_and_refusals_are_attributed(kit, kind):
    async with _served(kit, kit.say("{}")) as (server, url):
        model = await open_model(f"{kind}:{url}")
        try:
            await model.complete(
                Prompt(messages=(), text="?"), Sampling(json_schema={"type": "object"})
            )
            asked = server.asked[-1][1]
            server.failure = "This model's maximum context length is 4096 tokens"
            with pytest.raises(ContextOverflowError):
                await model.complete(Prompt(messages=(), text="?"), Sampling())
            server.failure = "no such parameter"
            with pytest.raises(AttributedError, match="no such parameter"):
                await model.complete(Prompt(messages=(), text="?"), Sampling())
        finally:
            await model.close()
    if kind == "vllm":
        assert asked["response_format"]["json_schema"]["schema"] == {"type": "object"}
    else:
        assert json.loads(asked["sampling_params"]["json_schema"]) == {"type": "object"}


async def test_what_is_named_wrong_is_said(kit):
    async with _served(kit) as (_, url):
        with pytest.raises(JourneymanError, match="it has policy"):
            await open_model(f"vllm:{url}#other")
    with pytest.raises(JourneymanError, match="no model server"):
        await open_model(f"sglang:{url}")
    with pytest.raises(JourneymanError, match="is no address"):
        await open_model("vllm:8000")
