"""Sandboxes: live, isolated copies of an environment."""
