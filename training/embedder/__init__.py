"""Fine-tuning the embedder."""
