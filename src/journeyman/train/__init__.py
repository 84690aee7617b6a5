"""Training: documents, packing, losses and stages."""
