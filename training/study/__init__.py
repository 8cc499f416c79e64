"""A study: what the best prompt does before anything is trained."""
