"""What is trained on is exactly what the assistant writes, in every template, token by token."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("transformers")

from journeyman.errors import JourneymanError
from journeyman.runs import append_jsonl
from journeyman.templates import get_template, list_templates
from journeyman.templates.core.samples import CONVERSATION, TOOLS, TURNS
from journeyman.train.documents.conversation import Conversation, read_conversations
from journeyman.train.documents.conversations import can_render, messages_of, render_conversation
from journeyman.train.documents.exercises import exercise_conversations
from journeyman.train.documents.mixture import draw_templates, read_mixture
from journeyman.train.stages.sft import SftSettings, gather
from journeyman.train.tokenizer import train_tokenizer
from journeyman.types import Completion, Message, ToolCall, Trajectory, Turn

TOKENIZER = train_tokenizer([text.content for text in CONVERSATION], 300)
WORDS = st.text(st.sampled_from("ab c\n.é🌊0"), min_size=1, max_size=30).map(str.strip)
VALUES = WORDS.filter(bool) | st.integers(0, 99) | st.booleans()
CALLS = st.builds(
    lambda folder, depth: ToolCall(name="list_files", arguments={"folder": folder, "depth": depth}),
    WORDS.filter(bool),
    st.integers(0, 9),
)


@st.composite
def conversations(draw):
    """System or not, then requests, calls with results, and a last word."""
    messages = [Message(role="system", content="Be brief.")] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message(role="user", content=draw(WORDS.filter(bool))))
        for _ in range(draw(st.integers(0, 2))):
            call = draw(CALLS)
            messages.append(Message(role="assistant", tool_calls=(call,)))
            messages.append(Message(role="tool", content=draw(WORDS), name=call.name))
        messages.append(Message(role="assistant", content=draw(WORDS.filter(bool))))
    return messages


def trained_runs(sequence):
    """The texts of the runs of trained tokens, and the whole text."""
    runs, current = [], []
    for token, flag in zip(sequence.token_ids, sequence.is_trained, strict=True):
        if flag:
            current.append(token)
        elif current:
            runs.append(TOKENIZER.decode(current))
            current = []
    return [*runs, TOKENIZER.decode(current)] if current else runs


@pytest.mark.parametrize("name", list_templates())
@settings(max_examples=15, deadline=None)
@given(messages=conversations())
def test_trained_tokens_are_the_assistants_turns_and_their_ends(name, messages):
    template = get_template(name)
    if not can_render(messages, TOOLS, template):
        return
    sequences = render_conversation(messages, TOOLS, template, TOKENIZER)
    runs = [run for sequence in sequences for run in trained_runs(sequence)]
    turns = [it for it in messages if it.role == "assistant"]
    assert len(runs) == len(turns)
    for run, turn in zip(runs, turns, strict=True):
        written = template.render_turn(turn)
        assert run.startswith(written)
        assert run[len(written) :] in template.stop
    first = sequences[0]
    prompt = TOKENIZER.decode(list(first.token_ids)[: first.is_trained.find(1)])
    before = messages[: messages.index(turns[0])]
    assert prompt == template.render(before, TOOLS)


@pytest.mark.parametrize("name", list_templates())
def test_what_others_say_is_never_trained_on(name):
    messages = [*CONVERSATION, TURNS["text"]]
    for sequence in render_conversation(messages, TOOLS, get_template(name), TOKENIZER):
        trained = "".join(trained_runs(sequence))
        for message in messages:
            if message.role != "assistant":
                assert message.content not in trained


def test_the_whole_text_is_the_templates_where_it_rewrites_nothing():
    template = get_template("qwen3_coder")
    messages = [*CONVERSATION, TURNS["text"]]
    (sequence,) = render_conversation(messages, TOOLS, template, TOKENIZER)
    whole = template.render(messages, TOOLS, add_generation_prompt=False)
    assert TOKENIZER.decode(sequence.token_ids) == whole.rstrip("\n")
    end = TOKENIZER.special_id("<|im_end|>")
    assert sequence.token_ids[-1] == end
    assert sequence.is_trained[-1]


def test_a_rewritten_prompt_begins_a_new_sequence():
    template = get_template("glm46")
    messages = [*CONVERSATION, TURNS["text"]]
    assert len(render_conversation(messages, TOOLS, template, TOKENIZER)) > 1


def test_a_mixture_is_read_and_drawn_by_weight():
    assert set(read_mixture(["all"])) == set(list_templates())
    assert read_mixture(["all", "hermes=0"]).keys() == set(list_templates()) - {"hermes"}
    mixture = read_mixture(["hermes=3", "mistral3"])
    drawn = [draw_templates(mixture, 1, f"{key}")[0].name for key in range(800)]
    assert 0.7 < drawn.count("hermes") / 800 < 0.8
    assert len(draw_templates(mixture, 5, "x")) == 2
    for word in ("hermes=x", "hermes=-1", "hermes=nan"):
        with pytest.raises(JourneymanError, match="has no weight"):
            read_mixture([word])
    with pytest.raises(JourneymanError, match="no template"):
        read_mixture(["hermess"])


def test_everything_is_gathered_and_a_share_is_held_out(tmp_path):
    call = Message(role="assistant", tool_calls=(ToolCall(name="list_files"),))
    given = Conversation(messages=(Message(role="user", content="x"), call), tools=TOOLS, id="c")
    append_jsonl(tmp_path / "c.jsonl", given)
    chosen = SftSettings(
        model=tmp_path,
        conversations=(tmp_path / "c.jsonl",),
        exercises=12,
        exercise_turns=2,
        templates=("hermes", "mistral3"),
        renderings=2,
        held_out_share=0.3,
    )
    gathered = gather(chosen, TOKENIZER)
    assert gathered.kept["conversation"] == 2
    assert gathered.kept["exercise"] <= 24
    assert gathered.held_out
    again = gather(chosen, TOKENIZER)
    assert again.train == gathered.train
    whole = gather(chosen.model_copy(update={"prompt_weight": 0.5}), TOKENIZER)
    assert whole.held_out == gathered.held_out
    for one, other in zip(gathered.train, whole.train, strict=True):
        assert list(other.columns["weight"]) == [1 if it else 0.5 for it in one.is_trained]
    with pytest.raises(JourneymanError, match="need a template"):
        gather(chosen.model_copy(update={"templates": ()}), TOKENIZER)


def test_a_line_that_is_no_conversation_is_named(tmp_path):
    path = tmp_path / "c.jsonl"
    append_jsonl(path, {"messages": []})
    append_jsonl(path, {"messages": [{"role": "robot"}]})
    with pytest.raises(JourneymanError, match=r"line 2 is no conversation: messages\.0\.role"):
        list(read_conversations(path))
    with pytest.raises(JourneymanError, match="no file"):
        list(read_conversations(tmp_path / "none.jsonl"))


def test_exercises_are_conversations_with_a_call_to_every_request():
    for made in exercise_conversations(10, num_turns=3, seed=4):
        roles = [it.role for it in made.messages if it.role != "system"]
        assert roles == ["user", "assistant", "tool"] * 2 + ["user", "assistant"]
        assert {c.name for m in made.messages for c in m.tool_calls} <= {t.name for t in made.tools}


def test_a_trajectory_is_its_conversation():
    turns = [
        Turn(
            prompt_messages=(Message(role="user", content="a"),),
            completion=Completion(),
            message=Message(role="assistant", content="b"),
        ),
        Turn(
            prompt_messages=(Message(role="tool", content="c"),),
            completion=Completion(),
            message=Message(role="assistant", content="d"),
        ),
    ]
    found = messages_of(Trajectory(scaffold="bash", model="m", turns=tuple(turns)))
    assert [it.content for it in found] == ["a", "b", "c", "d"]
