"""One retraining from the split to promotion."""
