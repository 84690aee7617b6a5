"""Reading shell commands: a parsed tree, and a machine that runs it on strings alone."""
