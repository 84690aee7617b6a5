"""Tool chat templates: one file each, on a small shared core."""
