"""Tasksets for trainers of other people: one rollout whose model is theirs, and thin adapters on it."""

from journeyman.train.interop.episode import Asked, Episode

__all__ = ["Asked", "Episode"]
