"""The HTTP surface: OpenAI's routes, their schemas, errors and server."""
