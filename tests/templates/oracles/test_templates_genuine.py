"""Our renderers against the genuine chat templates, byte for byte."""

from __future__ import annotations

import jinja2
import packages
import pytest
from conversations import CONVERSATIONS, Conversation
from oracles import ORACLES, Oracle

from journeyman.templates import get_template

pytestmark = pytest.mark.network

CASES = [
    pytest.param(oracle, conversation, id=f"{oracle.template}-{oracle.package}-{conversation.name}")
    for oracle in ORACLES
    for conversation in CONVERSATIONS
]


def _genuine(oracle: Oracle, conversation: Conversation) -> str | None:
    """Return the genuine text, or None where the genuine template refuses the conversation."""
    try:
        return oracle.render(conversation)
    except packages.UnavailableError as error:
        pytest.skip(f"the genuine template cannot be downloaded here: {error}")
    except jinja2.TemplateError:
        return None


@pytest.mark.parametrize(("oracle", "conversation"), CASES)
def test_render_equals_the_genuine_template(oracle: Oracle, conversation: Conversation) -> None:
    expected = _genuine(oracle, conversation)
    ours = get_template(oracle.template).render(
        conversation.messages,
        oracle.tools(conversation),
        add_generation_prompt=conversation.add_generation_prompt,
    )
    if conversation.name in oracle.differs:
        assert ours != expected, "the table of differences is stale"
    else:
        assert ours == expected


def test_every_difference_is_of_a_conversation() -> None:
    names = {conversation.name for conversation in CONVERSATIONS}
    assert all(oracle.differs.keys() <= names for oracle in ORACLES)
