"""A real language model behind the gateway: streamed to people, with exact tokens to rollouts."""

import json

import pytest

from journeyman.gateway import check_fidelity, sequences, trajectories
from journeyman.models import open_model
from journeyman.types import Prompt, Sampling

CHAT = "/v1/chat/completions"
KEY = {"Authorization": "Bearer rollout-1"}


@pytest.mark.model
@pytest.mark.network
async def test_a_real_model_streams_and_its_tokens_are_kept(kit):
    model = await open_model("smollm2")
    try:
        async with kit.running(model, "hermes", context_tokens=8192) as client:
            session = client.gateway.sessions.open("rollout-1")
            body = kit.ask | {"tools": [kit.bash], "max_tokens": 24, "temperature": 0.7}
            stream = await client.events(CHAT, body | {"stream": True})
            messages = list(kit.ask["messages"])
            for said in ("And the 🌊?", "Good."):
                _, whole = await client.post(CHAT, body | {"messages": messages}, **KEY)
                messages += [whole["choices"][0]["message"], {"role": "user", "content": said}]
            emoji = {"role": "user", "content": "Repeat: 🌊🌊🌊"}
            status, _ = await client.post(CHAT, body | {"messages": [*messages[:-1], emoji]}, **KEY)
            record = client.gateway.record(session)
            streamed = list(client.gateway.sessions.find("").conversations._known.values())
            held = {"type": "json_schema", "json_schema": {"schema": {"enum": ["yes", "no"]}}}
            _, whole = await client.post(CHAT, kit.ask | {"response_format": held})
    finally:
        await model.close()
    assert json.loads(whole["choices"][0]["message"]["content"]) in ("yes", "no")
    assert status == 200
    assert len(stream) > 4
    assert streamed[0].turn.completion.num_completion_tokens > 4
    found = check_fidelity(record)
    assert (found.num_checked, found.num_rewritten, found.breaches) == (3, 0, ())
    for trajectory in trajectories(record):
        for sequence in sequences(trajectory):
            drawn = [p for p, it in zip(sequence.logprobs, sequence.is_sampled, strict=True) if it]
            assert drawn
            assert all(logprob <= 0 for logprob in drawn)
            assert any(drawn)


@pytest.mark.model
@pytest.mark.network
async def test_a_stream_says_what_the_whole_answer_says():
    """Also where the answer ends by itself: what ends it is no part of the text."""
    model = await open_model("smollm2")
    said = []
    try:
        for asked in ("Say hi.", "What is 2+2?"):
            text = f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n"
            prompt = Prompt(messages=(), text=text)
            for stop in ((), ("<|im_end|>",)):
                sampling = Sampling(temperature=0.0, max_tokens=60, stop=stop)
                whole = await model.complete(prompt, sampling)
                *pieces, last = [item async for item in model.stream(prompt, sampling)]
                said.append((whole.text, whole.finish_reason))
                assert "".join(piece.text for piece in pieces) == last.text
                assert (last.text, last.finish_reason) == said[-1]
    finally:
        await model.close()
    assert {reason for _, reason in said} >= {"stop"}
