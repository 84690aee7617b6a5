"""Sessions: what is captured of conversations, and that its tokens are those that were drawn."""

import asyncio

import aiohttp
import pytest

from journeyman.gateway import (
    Journal,
    Limits,
    SessionRecord,
    bytes_tokens,
    check_fidelity,
    read_journal,
    sequences,
    trajectories,
)
from journeyman.models import ScriptedModel
from journeyman.templates import list_templates
from journeyman.types import Completion, Ending, Message, Sampling

CHAT = "/v1/chat/completions"
# Their templates write the past in another way than it was asked for: a final answer's end
# (harmony), white space before it (llama4), the opened reasoning of every turn (minimax).
REWRITES = {"harmony_json": 1, "harmony_xml": 1, "llama4_json": 1, "minimax_m2": 3}
KEY = {"Authorization": "Bearer rollout-1"}


async def converse(client, body, answers, **headers):
    """Go on with a conversation as an agent does: each call's answer is the next of `answers`."""
    messages = list(body["messages"])
    for answer in answers:
        status, whole = await client.post(CHAT, body | {"messages": messages}, **headers)
        assert status == 200, whole
        message = whole["choices"][0]["message"]
        messages.append(message)
        for call in reversed(message.get("tool_calls", ())):
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": answer})
        if not message.get("tool_calls"):
            messages.append({"role": "user", "content": answer})
    return messages


def decoded(tokens):
    return bytes_tokens.decode(tokens).decode()


@pytest.mark.parametrize("template", list_templates())
async def test_prompts_extend_token_by_token(kit, template):
    script = (
        kit.say("", {"command": "ls"}),
        kit.say("", {"command": "cat 'é.py'", "timeout": 3}),
        kit.say("It is fixed."),
        kit.say("You are welcome."),
    )
    model = kit.spoken(*script, template=template)
    async with kit.running(model, template, is_closed=True) as client:
        session = client.gateway.sessions.open("rollout-1")
        body = kit.ask | {"tools": [kit.bash]}
        await converse(client, body, ["a.py", "print()\n", "Thanks!", "Bye."], **KEY)
        record = client.gateway.record(session)
    found = check_fidelity(record)
    assert found.breaches == ()
    num_rewritten = REWRITES.get(template, 0)
    assert (found.num_turns, found.num_checked, found.num_rewritten) == (4, 4, num_rewritten)
    (trajectory,) = trajectories(record)
    sequence, *others = sequences(trajectory)
    turns = trajectory.turns
    assert len(others) == num_rewritten
    if not others:
        text = "".join(turn.prompt_text + turn.completion.text for turn in turns)
        assert decoded(sequence.token_ids) == text + turns[-1].completion.stop_text
    drawn = [
        token
        for each in (sequence, *others)
        for token, it in zip(each.token_ids, each.is_sampled, strict=True)
        if it
    ]
    assert drawn == [token for turn in turns for token in turn.completion.token_ids]
    for turn in turns:
        done = turn.completion
        # Tokenised again, the same text has other tokens: that these were kept is no coincidence.
        assert bytes_tokens.encode(done.text + done.stop_text) != done.token_ids
        assert len(done.logprobs) == len(done.token_ids) == done.num_completion_tokens
    assert [len(turn.observations) for turn in turns] == [1, 1, 0, 0]
    assert [len(turn.prompt_messages) for turn in turns] == [1, 0, 0, 1]
    assert [len(turn.message.tool_calls) for turn in turns] == [1, 1, 0, 0]


async def test_a_record_whose_tokens_were_changed_is_found_out(kit):
    async with kit.running(kit.spoken(kit.say("one"), kit.say("two"))) as client:
        session = client.gateway.sessions.open("rollout-1")
        await converse(client, kit.ask, ["x", "y"], **KEY)
        record = client.gateway.record(session)
    assert not check_fidelity(record).breaches
    first = record.turns[0].turn
    again = bytes_tokens.encode(first.completion.text + first.completion.stop_text)
    changed = first.completion.model_copy(update={"token_ids": again, "logprobs": ()})
    turn = record.turns[0].model_copy(
        update={"turn": first.model_copy(update={"completion": changed})}
    )
    broken = record.model_copy(update={"turns": (turn, *record.turns[1:])})
    assert check_fidelity(broken).breaches == (
        "turn 1: its prompt is not what came before and was added",
    )


async def test_rewritten_history_branches(kit):
    script = (kit.say("one", {"command": "ls"}), kit.say("two"), kit.say("three"))
    async with kit.running(kit.spoken(*script)) as client:
        session = client.gateway.sessions.open("rollout-1")
        body = kit.ask | {"tools": [kit.bash]}
        messages = await converse(client, body, ["a.py", "Go on.", "Thanks."], **KEY)
        # The second message of the user is edited: a branch behind the second turn.
        edited = [*messages[:4], {"role": "user", "content": "Stop."}]
        await client.post(CHAT, body | {"messages": edited}, **KEY)
        # History is compacted: a conversation of its own.
        compacted = [{"role": "user", "content": "All so far: one, two. Go on."}]
        await client.post(CHAT, body | {"messages": compacted}, **KEY)
        # A sub-agent has other tools.
        await client.post(CHAT, kit.ask, **KEY)
        record = client.gateway.record(session)
    assert [it.parent for it in record.turns] == [None, 0, 1, 1, None, None]
    assert check_fidelity(record).breaches == ()
    found = trajectories(record)
    assert [len(it.turns) for it in found] == [3, 1, 1, 1]
    assert [len(it.tools) for it in found] == [1, 1, 1, 0]
    branch = found[1].turns[0]
    assert [message.role for message in branch.prompt_messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    (whole,), (part,) = sequences(found[0]), sequences(found[1])
    assert decoded(part.token_ids[: part.is_sampled.index(True)]) == branch.prompt_text
    num_shared = max(
        n for n in range(len(part.token_ids)) if part.token_ids[:n] == whole.token_ids[:n]
    )
    assert sum(whole.is_sampled[:num_shared]) == sum(
        len(it.turn.completion.token_ids) for it in record.turns[:2]
    )
    total = sum(sum(sequence.is_sampled) for it in found for sequence in sequences(it))
    assert total == check_fidelity(record).num_sampled


async def test_clients_that_trim_and_rename_stay_on_their_branch(kit):
    script = (kit.say("one ", {"command": "ls", "timeout": 3}, reasoning="Hm."), kit.say("two"))
    model = kit.spoken(*script, template="deepseekr1")
    async with kit.running(model, "deepseekr1") as client:
        session = client.gateway.sessions.open("rollout-1")
        body = kit.ask | {"tools": [kit.bash]}
        _, whole = await client.post(CHAT, body, **KEY)
        made = whole["choices"][0]["message"]["tool_calls"][0]
        function = {"name": "bash", "arguments": '{"timeout":3.0,"command":"ls"}'}
        call = {"id": "mine", "type": "function", "function": function}
        echo = {"role": "assistant", "content": " one", "tool_calls": [call]}
        result = {"role": "tool", "tool_call_id": made["id"], "content": "a.py"}
        messages = [*body["messages"], echo, result]
        await client.post(CHAT, body | {"messages": messages}, **KEY)
        record = client.gateway.record(session)
    assert [it.parent for it in record.turns] == [None, 0]
    assert not record.turns[1].turn.prompt_tokens_are_rewritten
    assert "Hm." in record.turns[0].turn.completion.text


@pytest.mark.parametrize("template", ["kimik2", "mistral3", "qwen3_coder", "hermes"])
async def test_answers_in_another_order_reach_their_calls(kit, template):
    script = (kit.say("", {"command": "one"}, {"command": "two"}), kit.say("Done."))
    async with kit.running(kit.spoken(*script, template=template), template) as client:
        session = client.gateway.sessions.open("rollout-1")
        body = kit.ask | {"tools": [kit.bash]}
        _, whole = await client.post(CHAT, body, **KEY)
        message = whole["choices"][0]["message"]
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": f"result {n}"}
            for n, call in reversed(list(enumerate(message["tool_calls"])))
        ]
        await client.post(CHAT, body | {"messages": [*body["messages"], message, *results]}, **KEY)
        turns = client.gateway.record(session).turns
    calls = turns[0].turn.message.tool_calls
    answers = turns[1].turn.prompt_messages
    assert [answer.tool_call_id for answer in answers] == [calls[1].id, calls[0].id]
    assert [answer.name for answer in answers] == ["bash", "bash"]


async def test_what_claude_code_tells_the_billing_does_not_part_its_turns(kit):
    async with kit.running(kit.spoken(kit.say("one"), kit.say("two"))) as client:
        session = client.gateway.sessions.open("rollout-1")
        messages = [{"role": "user", "content": "Go."}]
        for number in range(2):
            billing = {"type": "text", "text": f"x-anthropic-billing-header: cch={number};"}
            system = [billing, {"type": "text", "text": "Be brief."}]
            body = {"model": "m", "max_tokens": 99, "system": system, "messages": messages}
            _, answer = await client.post("/v1/messages", body, **{"x-api-key": "rollout-1"})
            messages += [{"role": "assistant", "content": answer["content"]}, messages[0]]
        turns = client.gateway.record(session).turns
    assert [turn.parent for turn in turns] == [None, 0]
    assert turns[0].turn.prompt_messages[0].content == "Be brief."


async def test_a_stop_text_of_the_client_keeps_the_tokens(kit):
    async with kit.running(kit.spoken(kit.say("one two three"), kit.say("four"))) as client:
        session = client.gateway.sessions.open("rollout-1")
        await converse(client, kit.ask | {"stop": " three"}, ["x", "y"], **KEY)
        record = client.gateway.record(session)
    found = check_fidelity(record)
    assert (found.breaches, found.num_rewritten) == ((), 0)
    (sequence,) = sequences(trajectories(record)[0])
    assert "one two three<|im_end|>" in decoded(sequence.token_ids)


async def test_an_end_that_the_template_replaces_leaves_the_drawn_tokens(kit):
    script = (kit.say("one two three"), kit.say("four"))
    model = kit.spoken(*script, template="harmony_json")
    async with kit.running(model, "harmony_json") as client:
        session = client.gateway.sessions.open("rollout-1")
        await converse(client, kit.ask, ["x", "y"], **KEY)
        first, second = client.gateway.record(session).turns
    assert first.turn.completion.stop_text == "<|return|>"
    assert second.turn.prompt_tokens_are_rewritten
    assert not second.turn.prompt_is_rewritten
    assert second.turn.prompt_text.startswith("<|end|>")
    before = (*first.turn.prompt_token_ids, *first.turn.completion.token_ids)
    end = len(bytes_tokens.encode("<|return|>"))
    assert second.turn.prompt_token_ids[: len(before) - end] == before[:-end]


async def test_a_cut_turn_is_marked_and_the_conversation_goes_on(kit):
    script = (kit.say("Look.", {"command": "x" * 300}), kit.say("Sorry."))
    async with kit.running(kit.spoken(*script)) as client:
        session = client.gateway.sessions.open("rollout-1")
        body = kit.ask | {"tools": [kit.bash]}
        _, whole = await client.post(CHAT, body | {"max_tokens": 60}, **KEY)
        shown = {"role": "assistant", "content": whole["choices"][0]["message"]["content"]}
        again = {"role": "user", "content": "You were cut off."}
        messages = [*body["messages"], shown, again]
        await client.post(CHAT, body | {"messages": messages}, **KEY)
        record = client.gateway.record(session)
    first, second = record.turns
    assert first.turn.completion.finish_reason == "length"
    assert first.turn.format_errors[-1].kind == "cut_off"
    assert first.turn.message.tool_calls == ()
    assert second.parent == 0
    assert not second.turn.prompt_tokens_are_rewritten
    (sequence,) = sequences(trajectories(record)[0])
    assert len(sequence.cut_ends) == 1
    assert sequence.is_sampled[sequence.cut_ends[0] - 1]
    assert not sequence.is_sampled[sequence.cut_ends[0]]


async def test_the_sessions_sampling_wins_over_the_clients(kit):
    seen = []
    model = kit.spoken(kit.say("one two three four five six"))
    draw = model.stream

    def noting(prompt, sampling):
        seen.append(sampling)
        return draw(prompt, sampling)

    model.stream = noting
    async with kit.running(model) as client:
        own = Sampling(temperature=0.7, top_p=0.9, max_tokens=5, seed=3)
        client.gateway.sessions.open("rollout-1", sampling=own)
        body = kit.ask | {"temperature": 0, "top_p": 0, "seed": 9, "max_tokens": 99, "stop": "six"}
        await client.post(CHAT, body, **KEY)
        await client.post(CHAT, body)
    assert (seen[0].temperature, seen[0].top_p, seen[0].max_tokens, seen[0].seed) == (
        0.7,
        0.9,
        5,
        3,
    )
    assert seen[0].stop[:2] == ("six", "<|im_end|>")
    assert (seen[1].temperature, seen[1].max_tokens, seen[1].seed) == (0, 99, 9)


async def test_a_model_behind_a_chat_protocol_is_passed_through_with_its_tokens(kit):
    class Server(ScriptedModel):
        async def complete(self, prompt, sampling):
            done = await super().complete(prompt, sampling)
            ids = tuple(range(100 * len(prompt.messages)))
            update = {"prompt_token_ids": ids, "token_ids": (100, 101), "logprobs": (-1.0, -2.0)}
            return done.model_copy(update=update | {"num_completion_tokens": 2})

    model = Server("server", (kit.say("one", {"command": "ls"}), kit.say("two")))
    async with kit.running(model) as client:
        session = client.gateway.sessions.open("rollout-1")
        await converse(client, kit.ask | {"tools": [kit.bash]}, ["x", "y"], **KEY)
        record = client.gateway.record(session)
        events = await client.events(CHAT, kit.ask | {"stream": True})
    assert check_fidelity(record).breaches == ()
    assert [len(it.turn.prompt_token_ids) for it in record.turns] == [100, 198]
    assert record.template == ""
    assert [it.turn.completion.logprobs for it in record.turns] == [(-1.0, -2.0)] * 2
    assert [event["choices"][0]["finish_reason"] for event in events][-1] == "tool_calls"


async def test_versions_of_the_policy_are_kept_per_token(kit):
    class Policy(ScriptedModel):
        async def complete(self, prompt, sampling):
            done = await super().complete(prompt, sampling)
            return done.model_copy(update={"model_version": f"step {len(prompt.messages)}"})

    model = kit.spoken()
    model.model = Policy("policy", (kit.say("one"), kit.say("two")))
    async with kit.running(model) as client:
        session = client.gateway.sessions.open("rollout-1")
        await converse(client, kit.ask, ["x", "y"], **KEY)
        record = client.gateway.record(session)
    (sequence,) = sequences(trajectories(record)[0])
    assert list(dict.fromkeys(sequence.model_versions)) == ["", "step 1", "step 3"]


async def test_the_journal_holds_every_turn_and_survives_a_torn_line(kit, tmp_path):
    path = tmp_path / "deep" / "turns.jsonl"
    journal = Journal(path)
    model = kit.spoken(kit.say("one"), kit.say("two"))
    async with kit.running(model) as client:
        client.gateway.engine._on_turn = journal.write
        session = client.gateway.sessions.open("rollout-1")
        await converse(client, kit.ask, ["x", "y"], **KEY)
        await client.post(CHAT, kit.ask)
        record = client.gateway.record(session)
    journal.close()
    with path.open("a") as file:
        file.write('{"session": "rollout-1", "ind')
    found = read_journal(path)
    assert found.keys() == {"rollout-1", ""}
    assert tuple(found["rollout-1"]) == record.turns
    again = SessionRecord(session="rollout-1", model="script", turns=tuple(found["rollout-1"]))
    assert check_fidelity(again).breaches == ()


async def test_sessions_share_nothing(kit):
    class Echo:
        name, reads_text = "echo", False

        async def complete(self, prompt, sampling):
            await asyncio.sleep(0)
            text = f"I heard {prompt.messages[-1].content}"
            return Completion(message=Message(role="assistant", content=text))

    async with kit.running(kit.spoken(), is_closed=True) as client:
        client.gateway.engine.model.model = Echo()
        sessions = [client.gateway.sessions.open(f"key {n}") for n in range(100)]

        async def talk(session):
            body = kit.ask | {"messages": [{"role": "user", "content": f"<{session.key}>"}]}
            headers = {"Authorization": f"Bearer {session.key}"}
            await converse(client, body, [f"again <{session.key}>"] * 2, **headers)

        await asyncio.gather(*map(talk, sessions))
        records = [client.gateway.record(session) for session in sessions]
        unknown = await client.post(CHAT, kit.ask, Authorization="Bearer key 100")
    for session, record in zip(sessions, records, strict=True):
        assert check_fidelity(record).breaches == ()
        assert [it.parent for it in record.turns] == [None, 0]
        text = record.model_dump_json()
        assert text.count(f"I heard <{session.key}>") >= 1
        assert not [it for it in sessions if it is not session and f"<{it.key}>" in text]
    assert unknown[0] == 401
    assert unknown[1]["error"]["code"] == "invalid_api_key"


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "ending", "num_good"),
    [
        (Limits(num_turns=2), Ending.TURN_LIMIT, 2),
        (Limits(num_tokens=4), Ending.TOKEN_LIMIT, 1),
        (Limits(time_s=1e-9), Ending.TIME_LIMIT, 0),
    ],
)
async def test_limits_end_a_session_for_good(kit, limits, ending, num_good):
    async with kit.running(kit.spoken(kit.say("some longer text"))) as client:
        session = client.gateway.sessions.open("rollout-1", limits=limits)
        answers = [await client.post(CHAT, kit.ask, **KEY) for _ in range(3)]
        other = await client.post(CHAT, kit.ask)
    assert [status for status, _ in answers] == [200] * num_good + [403] * (3 - num_good)
    assert answers[-1][1]["error"]["code"] == f"session_{ending.value}"
    assert session.ending is ending
    assert other[0] == 200


async def test_the_last_tokens_of_a_session_bound_the_call(kit):
    async with kit.running(kit.spoken(kit.say("some longer text"))) as client:
        client.gateway.sessions.open("rollout-1", limits=Limits(num_tokens=4))
        _, whole = await client.post(CHAT, kit.ask, **KEY)
    assert whole["usage"]["completion_tokens"] == 4
    assert whole["choices"][0]["finish_reason"] == "length"


def test_a_key_opens_one_session(kit):
    from journeyman.gateway import GatewaySettings, Sessions

    sessions = Sessions(GatewaySettings(num_sessions=2))
    opened = sessions.open("a")
    with pytest.raises(ValueError, match="session 'a' already"):
        sessions.open("a")
    assert sessions.close("a") is opened
    made = [sessions.find(key) for key in "bcbd"]
    assert made[0] is made[2]
    assert sessions.find("c") is not made[1]


async def test_a_thousand_sessions_at_once_keep_their_own_tokens(kit):
    """Each under its key, two turns each, all in flight together."""
    num = 1000
    script = [kit.say("Let me look.", {"command": "ls"}), kit.say("Done.")]
    async with kit.running(kit.spoken(*script), is_closed=True) as client:
        sessions = [client.gateway.sessions.open(f"rollout-{n}") for n in range(num)]

        async def talk(n: int) -> None:
            key = {"Authorization": f"Bearer rollout-{n}"}
            messages = [{"role": "user", "content": f"This is project {n}."}]
            for _ in range(2):
                body = {"model": "m", "messages": messages, "tools": [kit.bash]}
                async with http.post(client.url + CHAT, json=body, headers=key) as response:
                    whole = await response.json()
                messages.append(whole["choices"][0]["message"])
                for call in messages[-1].get("tool_calls", ()):
                    answer = {"role": "tool", "tool_call_id": call["id"], "content": f"{n}.py"}
                    messages.append(answer)

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            await asyncio.gather(*map(talk, range(num)))
        records = [client.gateway.record(session) for session in sessions]
    for n, record in enumerate(records):
        found = check_fidelity(record)
        assert (found.num_checked, found.breaches) == (2, ())
        (trajectory,) = trajectories(record)
        first, _ = trajectory.turns
        assert first.prompt_messages[-1].content == f"This is project {n}."
        assert [it.content for it in first.observations] == [f"{n}.py"]


async def test_a_long_rollout_is_kept_by_what_its_turns_added(kit):
    """As whole prompts the tokens of 60 turns would take thirty times the room."""
    num_turns = 60
    script = [kit.say(f"Step {n}.", {"command": "ls"}) for n in range(num_turns)]
    async with kit.running(kit.spoken(*script)) as client:
        session = client.gateway.sessions.open("rollout-1")
        messages = [{"role": "user", "content": "Go on."}]
        for n in range(num_turns):
            body = {"model": "m", "messages": messages, "tools": [kit.bash]}
            _, whole = await client.post(CHAT, body, Authorization="Bearer rollout-1")
            messages.append(whole["choices"][0]["message"])
            (call,) = messages[-1]["tool_calls"]
            answer = {"role": "tool", "tool_call_id": call["id"], "content": f"{n} " * 500}
            messages.append(answer)
        nodes = session.conversations.nodes
        num_last = len(nodes[-1].tokens())
        num_kept = sum(len(it.prompt_ids) + len(it.token_ids) for it in nodes)
        num_whole = sum(len(it.tokens()) for it in nodes)
        assert check_fidelity(client.gateway.record(session)).breaches == ()
    assert num_kept == num_last
    assert num_whole > 25 * num_kept
    # Four bytes a token, and eight more of those that were drawn.
    assert {it.prompt_ids.itemsize for it in nodes} == {4}
