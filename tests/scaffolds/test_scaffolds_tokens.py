"""Sessions with the small model: every prompt extends the last token by token."""

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from journeyman.models import LlamaModel, LlamaSettings
from journeyman.models.smollm2 import obtain_smollm2
from journeyman.scaffolds import LimitReached, ModelSession, SessionLimits
from journeyman.scaffolds.tokens import TokenWriter
from journeyman.templates import get_template
from journeyman.types import Completion, Ending, Message, Sampling, ToolSpec, Turn

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.asyncio(loop_scope="module")]

TOOLS = (ToolSpec(name="bash", description="Run a command."),)
HOT = Sampling(temperature=1.0, max_tokens=24, seed=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[LlamaModel]:
    settings = LlamaSettings(path=await obtain_smollm2(), context_tokens=1024)
    opened = await LlamaModel.open("smollm2", settings)
    yield opened
    await opened.close()


def user(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


def make_session(model: LlamaModel, sampling: Sampling = HOT, **limits: int) -> ModelSession:
    return ModelSession(
        model, template=get_template("hermes"), sampling=sampling, limits=SessionLimits(**limits)
    )


async def talk(session: ModelSession, texts: Sequence[str]) -> list[Turn]:
    return [await session.turn(user(text), TOOLS) for text in texts]


def tokens_of(turns: Sequence[Turn]) -> tuple[int, ...]:
    """What a trainer would put together: all that was shown and drawn, in order."""
    tokens: tuple[int, ...] = ()
    for turn in turns:
        before = () if turn.prompt_tokens_are_rewritten else tokens
        tokens = before + turn.prompt_token_ids + turn.completion.token_ids
    return tokens


async def test_each_prompt_is_the_last_one_its_completion_and_what_is_new(
    model: LlamaModel,
) -> None:
    long = HOT.model_copy(update={"max_tokens": 120})
    turns = await talk(make_session(model, long), ["Hi there.", "What is naïve 😀?", "Thanks!"])
    assert {turn.completion.stop_text for turn in turns} <= {"<|im_end|>", ""}
    for index, turn in enumerate(turns):
        assert not turn.prompt_tokens_are_rewritten
        before = tokens_of(turns[:index])
        assert turn.completion.prompt_token_ids == before + turn.prompt_token_ids
        assert turn.completion.num_prompt_tokens == len(before + turn.prompt_token_ids)
        assert len(turn.completion.logprobs) == len(turn.completion.token_ids)
    answer = await model._post("/detokenize", {"tokens": tokens_of(turns)})
    shown = "".join(turn.prompt_text + turn.completion.text for turn in turns)
    assert answer["content"] == shown + turns[-1].completion.stop_text


async def test_a_turn_that_is_cut_off_is_closed_in_the_next_prompt(model: LlamaModel) -> None:
    short = HOT.model_copy(update={"max_tokens": 3, "temperature": 0.0})
    turns = await talk(make_session(model, short), ["Count to a hundred.", "Go on."])
    assert [error.kind for error in turns[0].format_errors] == ["cut_off"]
    assert turns[0].completion.stop_text == ""
    end = await model.tokenize("<|im_end|>")
    assert turns[1].prompt_token_ids[:1] == end
    assert turns[1].completion.prompt_token_ids == tokens_of(turns[:1]) + turns[1].prompt_token_ids


@pytest.mark.parametrize(
    ("completion", "is_rewritten"),
    [
        (Completion(text="b", token_ids=(82,)), True),
        (Completion(text="b", token_ids=(82,), stop_text="no such end"), False),
        (Completion(text="b"), False),
    ],
)
async def test_tokens_that_cannot_be_extended_are_made_anew(
    model: LlamaModel, completion: Completion, is_rewritten: bool
) -> None:
    writer = TokenWriter(model)
    await writer.extend("a", "a", is_rewritten=False)
    assert not writer.is_rewritten
    writer.take_completion(completion)
    added = await writer.extend("abc", "c", is_rewritten=is_rewritten)
    assert writer.is_rewritten
    assert added == writer.token_ids == await model.tokenize("abc", is_start=True)


async def test_limits_count_the_models_own_tokens(model: LlamaModel) -> None:
    session = make_session(model)
    first = (await talk(session, ["Hi"]))[0]
    num_prompt = len(first.prompt_token_ids)
    # One character a token: a guess by length would still let this one through.
    dense = "{[(" * 20
    with pytest.raises(LimitReached) as caught:
        await make_session(model, context_tokens=num_prompt + 20).turn(user(dense), TOOLS)
    assert caught.value.ending == Ending.CONTEXT_OVERFLOW
    exact = await make_session(model, context_tokens=num_prompt + 2).turn(user("Hi"), TOOLS)
    assert exact.completion.num_completion_tokens == 2
    assert exact.completion.finish_reason == "length"


async def test_a_prompt_beyond_the_servers_own_context_ends_the_conversation(
    model: LlamaModel,
) -> None:
    with pytest.raises(LimitReached) as caught:
        await make_session(model).turn(user("word " * 3000), TOOLS)
    assert caught.value.ending == Ending.CONTEXT_OVERFLOW
