"""Scaffolds: prompts, loop and tools around a model."""
