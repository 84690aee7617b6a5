"""Environments: built once per digest from a project, inside a sandbox."""

from journeyman.tasks.environment.build import build_environment

__all__ = ["build_environment"]
