"""Data sets from retrieval, fine-tuning, evaluation, verdict and release."""
