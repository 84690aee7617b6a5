"""Run folders and the ledger: what a run owes, what it has leased, what is done."""
