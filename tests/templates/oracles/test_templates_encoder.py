"""Our DeepSeek-V3.2 renderer against the Python encoder that the model ships with."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import genuine
import packages
import pytest
from conversations import CONVERSATIONS, Conversation

from journeyman.templates import get_template

pytestmark = pytest.mark.network

ENCODER = "llm_router_utils/sglang/srt/entrypoints/openai/encoding_dsv32.py"


@pytest.fixture(scope="module")
def encoder() -> ModuleType:
    try:
        path = packages.tree("llm-router-utils") / ENCODER
    except packages.UnavailableError as error:
        pytest.skip(f"the encoder cannot be downloaded here: {error}")
    spec = importlib.util.spec_from_file_location("encoding_dsv32", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wire(conversation: Conversation) -> list[dict[str, Any]]:
    """Put the tools into the system message, where the encoder looks for them."""
    messages = [genuine.wire_message(message) for message in conversation.messages]
    if conversation.tools:
        if messages[0]["role"] != "system":
            messages.insert(0, {"role": "system", "content": ""})
        messages[0]["tools"] = genuine.wire_tools(conversation.tools)
    return messages


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda case: case.name)
def test_render_equals_the_encoder(encoder: ModuleType, conversation: Conversation) -> None:
    ours = get_template("deepseekv32").render(conversation.messages, conversation.tools)
    assert ours == encoder.encode_messages(wire(conversation), "chat")
