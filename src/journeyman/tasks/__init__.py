"""The task factory: repositories in, verified executable tasks out."""
