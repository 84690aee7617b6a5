"""Terminal-Bench and Harbor: each task is a folder with a container, words, and tests of its state."""
