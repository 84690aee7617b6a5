"""From the spans of format errors to tokens, by DeepSeek's vocabulary in the `tokenizers` library."""
# ruff: noqa: RUF001 - tokens are spelt with full-width bars

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import packages
import pytest
from faulty_turns import FAULTY, TOOLS, Faulty

from journeyman.templates import get_template, token_ranges, validate

pytestmark = pytest.mark.network

VOCABULARY = "litellm/litellm_core_utils/tokenizers/deepseek_tokenizer.json"


@pytest.fixture(scope="module")
def tokenizer() -> Iterator[Any]:
    try:
        folder = packages.tree("tokenizers")
        vocabulary = packages.tree("litellm-vocabularies") / VOCABULARY
    except packages.UnavailableError as error:
        pytest.skip(f"the tokenizer cannot be downloaded here: {error}")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        from tokenizers import Tokenizer  # type: ignore[import-not-found]

        yield Tokenizer.from_file(str(vocabulary))


@pytest.mark.parametrize("faulty", FAULTY, ids=str)
def test_the_tokens_of_a_breach_hold_it_and_no_more(tokenizer: Any, faulty: Faulty) -> None:
    offsets = tokenizer.encode(faulty.text, add_special_tokens=False).offsets
    (error,) = validate(get_template(faulty.template).parse(faulty.text, TOOLS), TOOLS)
    ((first, last),) = token_ranges([(error.start, error.end)], offsets)
    assert offsets[first][0] <= error.start < offsets[first][1]
    assert offsets[last - 1][0] < error.end <= offsets[last - 1][1]
    outside = offsets[:first] + offsets[last:]
    assert all(end <= error.start or start >= error.end for start, end in outside)


def test_a_call_in_deepseeks_own_tokens_is_whole_tokens(tokenizer: Any) -> None:
    """The second of two calls is wrong; the penalty falls on it from its first token to its last."""
    begin, end = "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"
    body = "function<｜tool▁sep｜>{}\n```json\n{{}}\n```"
    text = (
        f"Gut 🌊.<｜tool▁calls▁begin｜>{begin}{body.format('look')}{end}\n"
        f"{begin}{body.format('fly')}{end}<｜tool▁calls▁end｜>"
    )
    (error,) = validate(get_template("deepseekv3").parse(text, TOOLS), TOOLS)
    encoded = tokenizer.encode(text, add_special_tokens=False)
    ((first, last),) = token_ranges([(error.start, error.end)], encoded.offsets)
    said = encoded.tokens[first:last]
    assert (said[0], said[-1]) == (begin, end)
    assert said.count(begin) == said.count(end) == 1
    assert "".join(said).count("fly") == 1
    assert encoded.tokens[last:] == ["<｜tool▁calls▁end｜>"]
