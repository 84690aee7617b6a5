"""Several experts into one model: divergences, merges, and what was kept."""
