"""Embedder, index, adapter and prompt as one thing, and which of them is active."""
