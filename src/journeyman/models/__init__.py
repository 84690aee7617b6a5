"""Models: prompt in, tokens out."""

from journeyman.models.base import ContextOverflowError, Model, Piece, Streamer, Tokenizer
from journeyman.models.diagnosis import diagnose
from journeyman.models.endpoint import EndpointModel, EndpointSettings
from journeyman.models.llama import LlamaModel
from journeyman.models.llama_process import LlamaSettings
from journeyman.models.local_settings import LocalSettings
from journeyman.models.oracle import KnowingModel
from journeyman.models.registry import bind, list_models, open_model
from journeyman.models.scripted import ScriptedModel

__all__ = [
    "ContextOverflowError",
    "EndpointModel",
    "EndpointSettings",
    "KnowingModel",
    "LlamaModel",
    "LlamaSettings",
    "LocalSettings",
    "Model",
    "Piece",
    "ScriptedModel",
    "Streamer",
    "Tokenizer",
    "bind",
    "diagnose",
    "list_models",
    "open_model",
]
