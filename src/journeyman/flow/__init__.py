"""The orchestrator: rollout, evaluation, post-processing; each stage retried alone."""
