"""A cross-encoder fine-tuned on the embedder's rows."""
