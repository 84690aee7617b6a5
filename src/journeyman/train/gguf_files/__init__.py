"""GGUF files, llama.cpp's format: models read from them into the trainer, and written back."""
