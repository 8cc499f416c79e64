"""The generator: its files, its training, and how it generates."""
