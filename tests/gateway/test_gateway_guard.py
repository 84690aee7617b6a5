"""A session's guard: what it refuses is told to the model, and the client never hears of it."""

import pytest

from journeyman.gateway import check_fidelity, sequences, trajectories
from journeyman.guard import Subject, make_guard
from journeyman.types import Ending

CHAT = "/v1/chat/completions"
KEY = {"Authorization": "Bearer rollout-1"}
FORBIDDEN = {"command": "git clone https://github.com/acme/labels"}


def opened(client, **limits):
    guard = make_guard("rules", Subject("acme/labels"))
    return client.gateway.sessions.open("rollout-1", guard=guard, **limits)


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_refused_call_is_answered_to_the_model_alone(kit, is_streamed):
    script = (
        kit.say("I look upstream.", FORBIDDEN),
        kit.say("Then I read.", {"command": "cat labels.py"}),
        kit.say("Done."),
    )
    async with kit.running(kit.spoken(*script), is_closed=True) as client:
        session = opened(client)
        body = kit.ask | {"tools": [kit.bash]}
        if is_streamed:
            events = await client.events(CHAT, body | {"stream": True}, **KEY)
            deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
            calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
            text = "".join(delta.get("content") or "" for delta in deltas)
            told = "".join(call["function"].get("arguments", "") for call in calls)
            name = next(call["id"] for call in calls if "id" in call)
            message = {
                "role": "assistant",
                "content": text,
                "tool_calls": [
                    {
                        "id": name,
                        "type": "function",
                        "function": {"name": "bash", "arguments": told},
                    }
                ],
            }
        else:
            _, whole = await client.post(CHAT, body, **KEY)
            message = whole["choices"][0]["message"]
        assert "upstream" not in message["content"]
        (call,) = message["tool_calls"]
        assert "cat labels.py" in call["function"]["arguments"]
        answer = {"role": "tool", "tool_call_id": call["id"], "content": "x = 1"}
        messages = [*body["messages"], message, answer]
        _, last = await client.post(CHAT, body | {"messages": messages}, **KEY)
        assert last["choices"][0]["message"]["content"] == "Done."
        record = client.gateway.record(session)
    assert not check_fidelity(record).breaches
    (trajectory,) = trajectories(record)
    refused, *_ = trajectory.turns
    assert not refused.guard_decisions[0].is_allowed
    assert "Not allowed" in refused.observations[0].content
    assert len(trajectory.turns) == 3
    assert len(sequences(trajectory)) == 1


async def test_one_refused_call_keeps_its_whole_turn_back(kit):
    script = (kit.say("", {"command": "ls"}, FORBIDDEN), kit.say("I give up."))
    async with kit.running(kit.spoken(*script), is_closed=True) as client:
        session = opened(client)
        _, whole = await client.post(CHAT, kit.ask | {"tools": [kit.bash]}, **KEY)
        assert not whole["choices"][0]["message"].get("tool_calls")
        (trajectory,) = trajectories(client.gateway.record(session))
    allowed, refused = trajectory.turns[0].observations
    assert "another call" in allowed.content
    assert "Not allowed" in refused.content


async def test_a_model_that_insists_runs_into_its_limit(kit):
    from journeyman.gateway import Limits

    script = [kit.say("", FORBIDDEN)] * 10
    async with kit.running(kit.spoken(*script), is_closed=True) as client:
        session = opened(client, limits=Limits(num_turns=4))
        status, whole = await client.post(CHAT, kit.ask | {"tools": [kit.bash]}, **KEY)
        assert (status, whole["error"]["code"]) == (403, "session_turn_limit")
        assert session.ending is Ending.TURN_LIMIT
        assert len(client.gateway.record(session).turns) == 4


async def test_a_call_that_the_client_respells_is_still_the_same_turn(kit):
    script = (kit.say("", {"command": "echo \\u2713"}), kit.say("Done."))
    async with kit.running(kit.spoken(*script), is_closed=True) as client:
        session = client.gateway.sessions.open("rollout-1")
        body = kit.ask | {"tools": [kit.bash]}
        _, whole = await client.post(CHAT, body, **KEY)
        message = whole["choices"][0]["message"]
        call = message["tool_calls"][0]
        call["function"]["arguments"] = '{"command": "echo \\u2713", "timeout": 5}'
        answer = {"role": "tool", "tool_call_id": call["id"], "content": "x"}
        messages = [*body["messages"], message, answer]
        await client.post(CHAT, body | {"messages": messages}, **KEY)
        record = client.gateway.record(session)
        assert len(trajectories(record)) == 1
        call["function"]["arguments"] = '{"command": "[left out]", "note": "x"}'
        call["function"]["arguments"] = '{"note": "compacted"}'
        await client.post(CHAT, body | {"messages": messages}, **KEY)
        assert len(trajectories(client.gateway.record(session))) == 2
