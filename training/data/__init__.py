"""Examples, their split, and the rows that train: everything before a model."""
