"""A server with OpenAI's chat completions that answers anything at once, where generating is not the point.

    python tests/walks/stub_generator.py 8770

Name it in a workspace's lockstep.toml: `url = "http://127.0.0.1:8770/v1"` and `model = "stub"` under [generator].
A chat UI's request for a title that reaches it as the UI wrote it, without passages, gets the title ``TITLE``.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECES = ("Forty", " metres", " [1].")
TITLE = "A title without a search"


class Handler(BaseHTTPRequestHandler):
    """Says the same to everybody."""

    def do_GET(self) -> None:
        """The models."""
        body = json.dumps({"object": "list", "data": [{"object": "model", "id": "stub", "max_model_len": 8192}]})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self) -> None:
        """The answer, as a stream."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"][-1]["content"]
        # With passages it would begin with them, or with the question's own heading.
        for_title = asked.startswith("### Task:") and "title" in asked[:200]
        pieces = (json.dumps({"title": TITLE}),) if for_title else PIECES
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        choices = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in pieces]
        choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        for choice in choices:
            chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": [choice]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    """Lets many wait at its door."""

    request_queue_size = 256


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
