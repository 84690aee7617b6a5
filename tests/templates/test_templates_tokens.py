"""From the spans of format errors to the tokens that a model really drew: SmolLM2's, by llama.cpp."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from faulty_turns import FAULTY, TOOLS, Faulty

from journeyman.models import LlamaModel, LlamaSettings
from journeyman.models.smollm2 import obtain_smollm2
from journeyman.templates import get_template, token_ranges, validate

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.asyncio(loop_scope="module")]

CALL = '<tool_call>\n{"name": "fly", "arguments": {"at": "é🌊"}}\n</tool_call>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[LlamaModel]:
    settings = LlamaSettings(path=await obtain_smollm2(), context_tokens=512)
    opened = await LlamaModel.open("smollm2", settings)
    yield opened
    await opened.close()


async def pieces(model: LlamaModel, text: str) -> list[bytes]:
    """Return the bytes of every token of a text."""
    body = {"content": text, "parse_special": True, "with_pieces": True}
    tokens = (await model._post("/tokenize", body))["tokens"]
    return [
        piece.encode() if isinstance(piece, str) else bytes(piece)
        for piece in (token["piece"] for token in tokens)
    ]


def offsets(tokens: list[bytes]) -> list[tuple[int, int]]:
    """Return the characters that each token shares; bytes of one character share it."""
    whole = b"".join(tokens)
    first_byte = [i for i, byte in enumerate(whole) if byte & 0xC0 != 0x80]
    character, index = [], -1
    for byte in range(len(whole)):
        index += index + 1 < len(first_byte) and first_byte[index + 1] == byte
        character.append(index)
    found, at = [], 0
    for token in tokens:
        found.append((character[at], character[at + len(token) - 1] + 1))
        at += len(token)
    return found


async def test_the_tokens_are_the_text(model: LlamaModel) -> None:
    tokens = await pieces(model, CALL)
    assert b"".join(tokens).decode() == CALL
    spans = offsets(tokens)
    assert (spans[0][0], spans[-1][1]) == (0, len(CALL))
    assert any(start == end for (_, start), (end, _) in itertools.pairwise(spans))
    wave = CALL.index("🌊")
    assert spans.count((wave, wave + 1)) > 1, "the emoji is of several tokens"


@pytest.mark.parametrize("faulty", FAULTY, ids=str)
async def test_the_tokens_of_a_breach_hold_it_and_no_more(
    model: LlamaModel, faulty: Faulty
) -> None:
    tokens = await pieces(model, faulty.text)
    turn = get_template(faulty.template).parse(faulty.text, TOOLS)
    (error,) = validate(turn, TOOLS)
    spans = offsets(tokens)
    ((first, last),) = token_ranges([(error.start, error.end)], spans)
    assert spans[first][0] <= error.start < spans[first][1]
    assert spans[last - 1][0] < error.end <= spans[last - 1][1]
    outside = spans[:first] + spans[last:]
    assert all(end <= error.start or start >= error.end for start, end in outside)
    said = b"".join(tokens[first:last]).decode(errors="ignore")
    assert faulty.text[error.start : error.end].strip() in said


async def test_the_call_alone_is_penalised(model: LlamaModel) -> None:
    """Content before and after a wrong call has tokens of its own, and none of them are named."""
    text = f"I shall look.\n{CALL}"
    tokens = await pieces(model, text)
    (error,) = validate(get_template("hermes").parse(text, TOOLS), TOOLS)
    ((first, last),) = token_ranges([(error.start, error.end)], offsets(tokens))
    assert b"".join(tokens[:first]).decode() == "I shall look.\n"
    assert b"".join(tokens[first:last]).decode() == CALL
    assert last == len(tokens)
