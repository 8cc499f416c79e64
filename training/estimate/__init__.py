"""What a retraining will cost, known before it begins, and set beside what happened."""
