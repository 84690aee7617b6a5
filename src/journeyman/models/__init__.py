"""Models: prompt in, tokens out."""

from journeyman.models.base import ContextOverflowError, Model
from journeyman.models.diagnosis import diagnose
from journeyman.models.registry import bind, open_model
from journeyman.models.scripted import ScriptedModel

__all__ = ["ContextOverflowError", "Model", "ScriptedModel", "bind", "diagnose", "open_model"]
