"""Tables of any columns into examples of a task."""
