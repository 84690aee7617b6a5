"""Verification: run a hidden verifier in a fresh sandbox, read its log, grade."""
