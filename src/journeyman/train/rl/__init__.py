"""Reinforcement learning from execution; its mathematics are pure functions on tensors."""
