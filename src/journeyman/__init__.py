"""Journeyman: an open agentic training stack for coding models."""

__all__ = ["__version__"]

__version__ = "0.1.0"
