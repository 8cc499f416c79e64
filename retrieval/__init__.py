"""Documents into a vector index and out again as passages."""
