"""Our parsers and the public ones read the same texts alike, but where a table says why not."""

from __future__ import annotations

import agreement
import corpus
import disagreements
import packages
import page
import pytest
from disagreements import Disagreement

from journeyman.templates import get_template, list_templates

TABLE = list(disagreements.disagreements())
UNJUDGED = {"xml_aone", "xml_cline"}
"""No public parser in Python reads these."""


@pytest.mark.network
@pytest.mark.parametrize(
    ("peer", "template", "detector"),
    [pytest.param(*pair, id=f"{pair[1]}-{pair[0]}") for pair in agreement.PAIRS],
)
def test_a_peer_disagrees_where_the_table_says_so_and_nowhere_else(
    peer: str, template: str, detector: str
) -> None:
    try:
        found = set(agreement.find(peer, template, detector))
    except packages.UnavailableError as error:
        pytest.skip(f"{peer} cannot be downloaded here: {error}")
    listed = {
        (each.case, each.mode, each.kind)
        for each in TABLE
        if (each.peer, each.template) == (peer, template)
    }
    assert sorted(found - listed) == [], "not in the table"
    assert sorted(listed - found) == [], "in the table, and no longer so"


def test_every_template_that_can_be_judged_is() -> None:
    judged = {template for _, template, _ in agreement.PAIRS}
    assert judged | UNJUDGED == set(list_templates())
    assert not judged & UNJUDGED


def test_the_table_names_what_there_is_and_nothing_twice() -> None:
    keys = [(each.peer, each.template, each.case, each.mode) for each in TABLE]
    assert len(set(keys)) == len(keys) > 300
    assert {each.reason for each in TABLE} == disagreements.REASONS.keys()
    pairs = {pair[:2] for pair in agreement.PAIRS}
    for each in TABLE:
        assert (each.peer, each.template) in pairs
        assert each.case in {case.name for case in corpus.cases(get_template(each.template))}


def test_well_formed_texts_are_read_as_they_were_meant() -> None:
    """Agreement would mean little if ours misread what it agrees on."""
    for name in list_templates():
        template = get_template(name)
        texts = {case.name: case.text for case in corpus.cases(template)}
        for case, (content, calls) in corpus.TURNS.items():
            if case in texts and name not in UNJUDGED:
                turn = template.parse(texts[case], corpus.TOOLS)
                assert turn.content.strip() == content
                assert [(c.name, c.arguments) for c in turn.calls] == [
                    (c.name, c.arguments) for c in calls
                ]


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"),
    [
        (("a", (("f", "{}"),)), (" a\n", (("f", "{}"),)), ""),
        (("a", ()), ("b", ()), "other content"),
        (("a", ()), (" ", ()), "no content"),
        (("", (("f", "{}"),)), ("", ()), "fewer calls"),
        (("", ()), ("x", (("f", "{}"),)), "more calls, other content"),
        (("", (("f", "{}"),)), ("", (("g", "{}"),)), "other names"),
        (("", (("f", '{"a": 1}'),)), ("", (("f", '{"a": 2}'),)), "other arguments"),
        (("", (("f", '{"a": 1}'),)), ("", (("f", '{"a": '),)), "arguments are no JSON"),
        (("", ()), ("", (), "ValueError"), "raises"),
    ],
)
def test_a_difference_is_named(ours: tuple, theirs: tuple, kind: str) -> None:
    assert agreement.difference(agreement.Reading(*ours), agreement.Reading(*theirs)) == kind


def test_the_page_is_what_the_table_says() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_a_row_is_one_text_of_one_peer() -> None:
    assert TABLE[0] == Disagreement(
        "SGLang", "llama4_pythonic", "unknown tool", "whole", "fewer calls", "undeclared"
    )
