"""SWE-bench and its relatives: instances read, prepared and graded as the benchmark does."""
