"""Which settings of a training do best on validation."""
