"""The small generator that the repository ships, and how it is built."""
