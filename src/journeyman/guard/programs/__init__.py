"""What programs mean to the guard: what they print, write, run and reach."""
