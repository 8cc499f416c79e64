"""What counts as a right answer."""
