"""A real server over fake releases."""

import contextlib
import socket
import threading
import time

import uvicorn

from retrieval.errors import CorruptRelease


class Source:
    def __init__(self, make_runtime, **parts) -> None:
        self.make_runtime, self.parts = make_runtime, parts
        self.now = "r1"
        self.runtimes: dict = {}
        self.broken: set[str] = set()

    def active(self) -> str:
        return self.now

    def head(self) -> int:
        return 0

    def synced(self, collection: str) -> int:
        return 0

    def read(self, release: str):
        if release in self.broken:
            raise CorruptRelease(f"release {release}: weights were changed")
        return self.make_runtime(release).release

    def load(self, release, index):
        pieces = [f"{release.id}", " says", " 12", " bar [1]."]
        texts = [f"{release.id}: the valve opens at 12 bar.", "The hose is blue."]
        runtime = self.make_runtime(release.id, index=index, pieces=pieces, texts=texts, **self.parts)
        self.runtimes[release.id] = runtime
        return runtime

    def follow(self, runtime, progress) -> int:
        return 0


@contextlib.contextmanager
def served(app):
    """A real server in a thread; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=5))
    ready = threading.Event()
    startup = server.startup

    async def tell(sockets=None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = tell
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    assert ready.wait(30)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def ask(client, text="How high?", **parameters):
    return client.chat.completions.create(model="lockstep", messages=[{"role": "user", "content": text}], **parameters)
