"""Tool calls in BFCL's format: functions, a question, and the calls that would answer it."""
