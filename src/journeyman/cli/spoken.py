"""Which template a model is spoken to in, for verbs that put a gateway before one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journeyman.errors import JourneymanError

if TYPE_CHECKING:
    from journeyman.gateway import GatewaySettings
    from journeyman.models import Model
    from journeyman.templates import ToolTemplate

__all__ = ["gateway_settings", "guessed_template", "spoken"]

# By what a model's name holds, the longest first; every other model must be told its template.
_TEMPLATE_BY_NAME = {
    "qwen3-coder": "qwen3_coder",
    "qwen2.5-coder": "qwen25_coder",
    "qwen": "hermes",
    "hermes": "hermes",
    "smollm": "hermes",
    "kimi-k2": "kimik2",
    "glm-4": "glm46",
    "minimax-m2": "minimax_m2",
    "minimax-m1": "minimax_m1",
    "deepseek-v3.2": "deepseekv32",
    "deepseek-v3.1": "deepseekv31",
    "deepseek-v3": "deepseekv3",
    "deepseek-r1": "deepseekr1",
    "seed-oss": "seed_oss",
    "gpt-oss": "harmony_json",
    "llama-4": "llama4_json",
}


def spoken(model: Model, name: str) -> tuple[Model, ToolTemplate | None]:
    """Return what is served and in which template; a script is made to speak one if it is named."""
    from journeyman.gateway import SpokenModel
    from journeyman.models import ScriptedModel
    from journeyman.templates import get_template

    if model.reads_text:
        return model, get_template(name or guessed_template(model.name))
    if not name:
        return model, None
    if not isinstance(model, ScriptedModel):
        raise JourneymanError(
            f"{model.name} speaks a chat protocol and brings its own template", "omit --template"
        )
    template = get_template(name)
    return SpokenModel(model, template), template


def guessed_template(model: str) -> str:
    """Tell the template from a model's name. Raises `JourneymanError` where that is not known."""
    word = model.lower().replace("_", "-")
    for part in sorted(_TEMPLATE_BY_NAME, key=len, reverse=True):
        if part in word:
            return _TEMPLATE_BY_NAME[part]
    raise JourneymanError(
        f"which template does {model} speak?", "add --template NAME; journeyman templates list"
    )


def gateway_settings(model: Model) -> GatewaySettings:
    """Return how a model is served, within its own context."""
    from journeyman.gateway import GatewaySettings

    context_tokens = getattr(model, "context_tokens", None)
    return (
        GatewaySettings()
        if context_tokens is None
        else GatewaySettings(context_tokens=context_tokens)
    )
