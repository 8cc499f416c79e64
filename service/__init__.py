"""The HTTP and command-line surface: entry points, routes and the live release."""
