"""Made-up functions, calls and pages: parts share nothing, examples are right, and each page has one
line wrong."""

from __future__ import annotations

import doctest

import pytest

from journeyman.evals.calls.problem import is_right, read_calls
from journeyman.reproduce.made_up_calls import (
    ANSWERS,
    QUESTIONS,
    call_conversations,
    draw_requests,
    write_questions,
)
from journeyman.reproduce.made_up_functions import list_functions, write_functions
from journeyman.reproduce.made_up_pages import draw_pages, page_conversations, write_pages
from journeyman.reproduce.wrong_texts import spoilt
from journeyman.scaffolds.line import read_words
from journeyman.tasks import obtain_project
from journeyman.tasks.functions.subject import list_subjects
from journeyman.tasks.pages import read_pages
from journeyman.train.documents.conversation import Conversation
from journeyman.train.documents.functions import FunctionTextSettings, function_conversations
from journeyman.types import Message

PARTS = ("practised", "learned", "held-out")


def test_no_function_is_in_two_parts_and_each_example_is_right() -> None:
    names = [it.name for part in PARTS for it in list_functions(part)]
    assert len(names) == len(set(names)) == 6 * 5 * 40
    for it in (*list_functions("learned"), *list_functions("held-out")):
        space: dict[str, object] = {}
        exec(it.code, space)
        found = doctest.DocTestFinder().find(space[it.name], it.name, globs=space)
        runner = doctest.DocTestRunner(verbose=False)
        assert [runner.run(test).failed for test in found] == [0], it.name


def test_a_project_is_a_repository_of_its_own_whose_functions_are_subjects(tmp_path) -> None:
    write_functions(tmp_path / "a", "learned", number=5, seed=0)
    write_functions(tmp_path / "b", "held-out", number=5, seed=0)
    assert len(list_subjects(tmp_path / "a", seed=0)) == 5
    repos = [obtain_project(str(tmp_path / it), cache=tmp_path / "cache").repo for it in "ab"]
    assert repos == ["made-up-learned", "made-up-held-out"]


def test_a_function_is_asked_for_as_its_scaffold_asks_and_answered_by_its_code(tmp_path) -> None:
    write_functions(tmp_path / "a", "practised", number=3, seed=0)
    found = list(function_conversations(tmp_path / "a", "a", FunctionTextSettings()))
    assert len(found) == 3
    system, user, answer = found[0].messages
    assert "fenced blocks of code" in system.content
    body = answer.content.removeprefix("```python\n").removesuffix("\n```")
    compile(body, "answer", "exec")
    assert "kept =" in body
    assert "kept =" not in user.content
    unseen = {body + "\n", body}
    rest = list(function_conversations(tmp_path / "a", "a", FunctionTextSettings(), unseen=unseen))
    assert len(rest) == 2


@pytest.mark.parametrize("part", PARTS)
def test_a_page_has_one_line_wrong_and_its_repair_makes_it_right(part) -> None:
    pages = draw_pages(part, 40, seed=1)
    assert len({it.wrong for it in pages}) == len(pages) == 40
    said = {it.id.partition(":")[0]: it.messages[1].content for it in page_conversations(pages)}
    assert len(said) == 40
    for page in pages:
        wrong, right = page.wrong.split("\n"), page.right.split("\n")
        assert sum(a != b for a, b in zip(wrong, right, strict=True)) == 1
        (number, line), *_ = read_words(said[page.name], wrong).items()
        assert line == right[number - 1].strip(), page.name


def test_pages_of_two_parts_share_no_title_and_are_read_as_tasks(tmp_path) -> None:
    titles = [{it.title for it in draw_pages(part, 24, seed=0)} for part in PARTS]
    assert not titles[0] & titles[1] | titles[0] & titles[2] | titles[1] & titles[2]
    pages = draw_pages("learned", 3, seed=0)
    read = read_pages(write_pages(tmp_path, pages))
    assert [it.name for it in read] == [it.name for it in pages]
    assert read[0].start != read[0].solution


def test_a_call_is_asked_of_one_part_alone_and_its_answer_is_right(tmp_path) -> None:
    drawn = {part: draw_requests(part, 60, seed=0) for part in PARTS}
    tools = {part: {tool.name for it in drawn[part] for tool in it.tools} for part in PARTS}
    assert not tools["practised"] & tools["learned"]
    assert not tools["held-out"] & (tools["practised"] | tools["learned"])
    for part in PARTS:
        (tmp_path / part).mkdir()
        write_questions(tmp_path / part, drawn[part])
        asked = read_calls(tmp_path / part / QUESTIONS, tmp_path / part / ANSWERS)
        said = call_conversations(drawn[part])
        assert len(asked) == len(said) == 60
        for problem, conversation in zip(asked, said, strict=True):
            assert is_right(problem, conversation.messages[-1].tool_calls)
            assert problem.tools == conversation.tools
        other = drawn[part][0].call.model_copy(update={"name": "fly"})
        assert not is_right(asked[0], (other,))


def test_a_share_of_texts_is_wrong_and_every_wrong_one_fails(tmp_path) -> None:
    pages = {it.name: it for it in draw_pages("practised", 60, seed=0)}
    for it in page_conversations(pages.values()):
        page = pages[it.id.partition(":")[0]]
        right = read_words(it.messages[1].content, page.wrong.split("\n"))
        assert spoilt(it, 0) == it
        number = int(spoilt(it, 1).messages[1].content.partition("\n")[0])
        assert number == next(iter(right)) + 1
    requests = draw_requests("practised", 60, seed=0)
    for request, it in zip(requests, call_conversations(requests), strict=True):
        (call,) = spoilt(it, 1).messages[1].tool_calls
        assert call.name == request.call.name
        assert (
            sum(call.arguments[key] != value for key, value in request.call.arguments.items()) == 1
        )
    write_functions(tmp_path / "a", "practised", number=40, seed=0)
    for it in function_conversations(tmp_path / "a", "a", FunctionTextSettings()):
        body = spoilt(it, 1).messages[2].content.removeprefix("```python\n").removesuffix("\n```")
        space: dict[str, object] = {}
        exec(body, space)
        (test,) = doctest.DocTestFinder().find(space[list(space)[-1]], "f", globs=space)
        failed = doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None).failed
        # Where a list is asked for, what was kept is right, now and then cut to its last two.
        assert failed or "list(kept)" in body or "kept[-2:]" in body, body
    messages = (Message(role="user", content="1 a"), Message(role="assistant", content="1\na\nb"))
    repair = Conversation(messages=messages, source="repair:wrong_constant", id="x")
    assert spoilt(repair, 1).messages[1].content == "1\na\na"
    said = call_conversations(draw_requests("practised", 1000, seed=0))
    assert 330 < sum(spoilt(it, 0.4) != it for it in said) < 470
