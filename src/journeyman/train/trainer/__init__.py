"""One loop that trains any causal model on rows of documents, and goes on where it was killed."""
