"""Single-turn code: a problem, one program, tests that run it in a sandbox."""
