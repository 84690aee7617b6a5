"""Reading code of other languages than the shell's: what it runs, writes and reaches."""
