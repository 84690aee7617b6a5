"""Our renderers against the genuine chat templates, byte for byte."""

from __future__ import annotations

import packages
import pytest
from conversations import CONVERSATIONS, Conversation
from oracles import ORACLES, Oracle

pytestmark = pytest.mark.network


def _genuine(oracle: Oracle, conversation: Conversation) -> str:
    try:
        return oracle.render(conversation)
    except packages.UnavailableError as error:
        pytest.skip(f"the genuine template cannot be downloaded here: {error}")


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.template)
def test_genuine_template_renders_a_question(oracle: Oracle) -> None:
    rendered = _genuine(oracle, CONVERSATIONS[0])
    assert CONVERSATIONS[0].messages[0].content in rendered
