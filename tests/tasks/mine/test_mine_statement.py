"""Statements: an issue's words, or a commit's, without the fix; and what the tests need to be there."""

import pytest

from journeyman.tasks.mine.export import Issue
from journeyman.tasks.mine.needs import needs_of
from journeyman.tasks.mine.statement import Material, changed_functions, statements
from journeyman.tasks.mine.words import (
    is_about_the_fix,
    paragraphs_of,
    plain_title,
    secrets_of,
    told_paragraphs,
    without_markup,
)
from journeyman.tasks.probe import TestFailure

BEFORE = "def total(prices):\n    whole = 0\n    return whole - 1\n"
PATCH = """\
diff --git a/shop/prices.py b/shop/prices.py
--- a/shop/prices.py
+++ b/shop/prices.py
@@ -1,3 +1,4 @@
 def total(prices):
     whole = 0
-    return whole - 1
+    whole = _add_safely(whole, prices)
+    return mean_of(whole)
"""
TEST_PATCH = "+from shop.prices import total, mean_of\n"
SECRETS = secrets_of(PATCH, TEST_PATCH, BEFORE, ["shop/prices.py", "tests/test_new.py"])


def material(tmp_path, **given):
    (tmp_path / "tests").mkdir(exist_ok=True)
    (tmp_path / "tests/test_new.py").write_text(
        "from shop.prices import total\n\n\ndef test_sums():\n    assert total([1, 2]) == 3\n"
    )
    failure = TestFailure(
        test="tests/test_new.py::test_sums", path="tests/test_new.py", line=5,
        exception="AssertionError", message="assert -1 == 3",
    )  # fmt: skip
    facts = {
        "project": "shop", "issues": (), "titles": ("Sums are too low by four (#3)",), "body": "",
        "secrets": SECRETS, "failures": (failure,), "complaints": (), "functions": ["total"],
        "tests": tmp_path,
    }  # fmt: skip
    return Material(**(facts | given))


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("fix: sums are wrong (#12)", "Sums are wrong"),
        ("BUG: Sums of none raise (GH-3)", "Sums of none raise"),
        ("[parser] feat(core)!: read dates", "Read dates"),
        ("Sums are wrong, fixes #12", "Sums are wrong"),
        ("gh-991: Sums are wrong. (pull request #8)", "Sums are wrong"),
        ("Note: this stays", "This stays"),
        ("http://a.b/c fails", "Http://a.b/c fails"),
    ],
)
def test_titles_lose_numbers_and_prefixes(subject, title):
    assert plain_title(subject) == title


@pytest.mark.parametrize(
    "sentence",
    [
        "Use floor division instead of rounding.",
        "This commit replaces the loop.",
        "Added a check for none.",
        "Now we call _add_safely first.",
        "It was an off-by-one error.",
        "See prices.py for the reason.",
        "The line `whole = _add_safely(whole, prices)` does it.",
        "Fix tests",
        "typo",
        "- address review comments",
        "Thanks @ann for finding it.",
    ],
)
def test_sentences_about_the_fix_are_known(sentence):
    assert is_about_the_fix(sentence, SECRETS)


@pytest.mark.parametrize(
    "sentence",
    [
        "Sums of an empty basket raise a ValueError.",
        "When two prices are used the sum is wrong.",
        "Users see a wrong price in the summary.",
        "`mean_of` should be there for baskets.",
        "A test basket of three pears costs nothing.",
    ],
)
def test_sentences_about_the_problem_are_kept(sentence):
    assert not is_about_the_fix(sentence, SECRETS)


def test_a_body_keeps_what_tells_the_problem():
    body = (
        "Sums are wrong for two prices. We use _add_safely\nnow, which helps. It costs\nmoney!\n\n"
        "* wip\n* The total of nothing raises\n\n```python\nwhole = 2\n```\n\n- [ ] changelog\n\n"
        "Fixes #3\n\nSigned-off-by: Ann <ann@localhost>\nCo-authored-by: Bob <bob@localhost>\n"
    )
    assert told_paragraphs(body, SECRETS) == [
        "Sums are wrong for two prices. It costs money!",
        "The total of nothing raises.",
    ]
    assert told_paragraphs("", SECRETS) == []


def test_markup_goes_and_words_stay():
    text = "<!-- please\nfill in -->\n### Steps\n\nRun it.\r\n\r\n- [x] read\n\n\n\n    code\n<!-- open"
    assert without_markup(text) == "### Steps\n\nRun it.\n\n    code"


def test_fenced_code_is_one_paragraph():
    text = "one\n\n```py\na\n\nb\n```\n\ntwo\n\n~~~\n```\n\nc\n~~~"
    assert paragraphs_of(text) == ["one", "```py\na\n\nb\n```", "two", "~~~\n```\n\nc\n~~~"]


def test_names_that_tests_use_are_no_secret():
    assert SECRETS.names == {"_add_safely"}
    assert SECRETS.files == {"prices.py", "test_new.py"}
    assert not SECRETS.are_in("mean_of total whole")


def test_an_issue_is_taken_as_it_is(tmp_path):
    issue = Issue(3, "Sums are wrong", "Two prices give minus one.\n\n<!-- x -->")
    first = next(iter(statements(material(tmp_path, issues=[issue]))))
    assert first == "Sums are wrong\n\nTwo prices give minus one.\n"


def test_an_issue_that_proposes_the_fix_loses_that_part(tmp_path):
    body = "Two prices give minus one.\n\n```python\nwhole = _add_safely(whole, prices)\n\nx\n```\n\nThanks."  # noqa: E501
    texts = list(statements(material(tmp_path, issues=[Issue(3, "Sums are wrong", body)])))
    assert texts[0] == "Sums are wrong\n\nTwo prices give minus one.\n\nThanks.\n"
    assert not any("_add_safely" in text for text in texts)


def test_without_an_issue_the_commit_and_the_failure_speak(tmp_path):
    texts = list(statements(material(tmp_path, body="It happens with two prices.")))
    assert texts[0].startswith("Sums are too low by four\n\nIt happens with two prices.\n\n")
    assert "total([1, 2])" in texts[0]
    assert "test_sums" not in texts[0]
    told = list(statements(material(tmp_path, titles=["Use a safer sum"])))
    assert all("safer" not in text for text in told)
    assert told[0].startswith("`total` gives a wrong result")


def test_where_python_lies_on_this_machine_is_not_told(tmp_path):
    issue = Issue(3, "Import fails", "File '/opt/py-3.11/lib/python3.11/json/a.py' and /usr/lib/x.")
    text = next(iter(statements(material(tmp_path, issues=[issue]))))
    assert "File '…/lib/python3.11/json/a.py' and /usr/lib/x." in text


def test_too_few_words_and_no_failure_are_vague(tmp_path):
    given = {"failures": (), "titles": ["Fix sums"], "body": ""}
    assert list(statements(material(tmp_path, **given))) == []
    given["titles"] = ["Sums are wrong whenever a basket of pears holds more than two"]
    assert len(list(statements(material(tmp_path, **given)))) == 1


def test_what_cannot_be_imported_is_named(tmp_path):
    complaints = [
        (
            "ImportError",
            "cannot import name 'mean_of' from 'shop.prices' (/testbed/shop/prices.py)",
        ),
        (
            "ImportError",
            "cannot import name 'mean_of' from 'shop.prices' (/testbed/shop/prices.py)",
        ),
        ("ModuleNotFoundError", "No module named 'shop.stock'"),
        ("AttributeError", "module 'shop' has no attribute 'mean_of'"),
        ("AttributeError", "'Stock' object has no attribute 'take'"),
        ("AttributeError", "'NoneType' object has no attribute 'take'"),
        ("TypeError", "total() got an unexpected keyword argument 'tax'"),
        ("ValueError", "nothing to do"),
    ]
    assert needs_of(complaints) == [
        "`from shop.prices import mean_of` works.",
        "There is a module `shop.stock`.",
        "`shop` has `mean_of`.",
        "Objects of `Stock` have `take`.",
        "`total` takes a keyword argument `tax`.",
    ]
    text = next(iter(statements(material(tmp_path, failures=(), complaints=complaints))))
    assert text.endswith("- `total` takes a keyword argument `tax`.\n")


def test_the_functions_of_a_change_are_found():
    before = "class A:\n    def one(self):\n        return 1\n\n\ndef two():\n    return 2\n"
    after = before.replace("return 1", "return 3") + "\n\ndef three():\n    pass\n"
    assert changed_functions(before, after) == ["A.one", "three"]
    assert changed_functions("x = (\n", "x = 1\n") == []
