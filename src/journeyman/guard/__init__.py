"""The guard: what prevents or flags reward hacking."""
