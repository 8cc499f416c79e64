"""A question into an answer with citations."""
