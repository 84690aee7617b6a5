"""Models: prompt in, tokens out."""
