"""Template adherence: how often a model's tool calls are well-formed, in each template (Table 2)."""
