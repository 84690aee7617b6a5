"""What is forbidden: reading, writing and reaching, each in a file of its own."""

from journeyman.guard.rules.policy import DefaultRules

__all__ = ["DefaultRules"]
