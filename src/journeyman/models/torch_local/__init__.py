"""A folder in the Hugging Face layout as a model: sampled with PyTorch, in batches, exact tokens."""

from journeyman.models.torch_local.model import TorchLocalModel

__all__ = ["TorchLocalModel"]
