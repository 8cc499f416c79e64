"""One file for each family of HTTP routes."""
