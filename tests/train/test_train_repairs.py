"""Repairs as conversations: the scaffold's own prompt, an answer that mends it, and nothing measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.cli import main
from journeyman.scaffolds.line import read_lines, read_words, show_lines
from journeyman.train.documents.conversation import read_conversations
from journeyman.train.documents.repairs import (
    RepairSettings,
    repair_conversations,
    short_functions,
)

SOURCE = """\
class Box:
    def is_full(self, count):
        return count >= self.size

    def long(self, count):
        total = 0
        for number in range(count):
            if number > 2:
                total += number
        return total


def half(count):
    return count // 2
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/a.py").write_text(SOURCE)
    (tmp_path / "source/old.py").write_text("print 'no Python of today'\n")
    return tmp_path / "source"


@pytest.mark.parametrize("form", ["line", "words"])
def test_every_answer_gives_the_function_back(source: Path, form: str) -> None:
    settings = RepairSettings.model_validate({"form": form, "max_function_lines": 6})
    read = read_lines if form == "line" else read_words
    right = {show_lines(it.splitlines()) for it in short_functions(source, 6)}
    found = list(repair_conversations([source], settings))
    assert len(found) > 6
    assert found == list(repair_conversations([source, source], settings))
    for conversation in found:
        lines = conversation.messages[0].content.splitlines()
        shown = [it.partition(" ")[2] for it in lines]
        ((number, text),) = read(conversation.messages[1].content, shown).items()
        wrong = shown[number - 1]
        shown[number - 1] = wrong[: len(wrong) - len(wrong.lstrip())] + text
        assert show_lines(shown) in right


def test_lengths_and_shares_hold(source: Path) -> None:
    one = RepairSettings(max_function_lines=2, num_per_function=1)
    names = [it.messages[0].content.partition("(")[0] for it in repair_conversations([source], one)]
    assert sorted(names) == ["1 def half", "1 def is_full"]


def test_so_many_as_are_asked_for_and_of_several_kinds(source: Path) -> None:
    every = list(repair_conversations([source], RepairSettings()))
    some = list(repair_conversations([source], RepairSettings(num=4)))
    assert len(every) > 4 == len(some)
    assert some == every[:4]
    assert len({it.source for it in some}) > 1


def test_what_is_measured_on_is_kept_out(source: Path, tmp_path: Path) -> None:
    (tmp_path / "measured").mkdir()
    (tmp_path / "measured/b.py").write_text("def half(count):\n    return count // 2\n")
    words = ["data", "repairs", str(tmp_path / "r.jsonl"), "--source", str(source)]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--apart-from", str(tmp_path / "measured"), "--kind", "arithmetic_change"])
    assert ended.value.code == 0
    assert list(read_conversations(tmp_path / "r.jsonl")) == []
