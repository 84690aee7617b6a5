"""The model that is trained: Qwen3-Next through `transformers`, and any causal model of that library."""
