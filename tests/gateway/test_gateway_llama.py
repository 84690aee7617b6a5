"""A real language model behind the gateway: streamed to people, with exact tokens to rollouts."""

import pytest

from journeyman.gateway import check_fidelity, sequences, trajectories
from journeyman.models import open_model

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
    finally:
        await model.close()
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
