"""``lockstep serve`` as a process of its own: it starts, follows, and ends in good order."""

import asyncio
import contextlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import openai
import pytest

from retrieval.errors import ConfigurationError
from service.commands.main import main
from service.http import server as module
from service.http.hosts import LOOPBACK
from service.http.server import _bind
from service.keys import Keys
from service.running import running_service
from service.settings import ServiceSettings

pytestmark = pytest.mark.slow


@pytest.fixture
def place(site, tiny_embedders, tiny_generator, folder) -> Path:
    """The site's workspace with two releases; they answer with their own abstention."""
    site.ingest(tiny_embedders[0], folder({"valve.md": "The valve opens at 12 bar."}))
    for number, path in enumerate(tiny_embedders):
        site.release(path, tiny_generator, abstention=f"Embedder {number} knows nothing.", abstain_below=1.0)
    site.promote(next(one for one in map(_Release, site.ledger.entries()) if one.id.startswith("r0001")))
    return site.workspace.root


class _Release:
    def __init__(self, entry) -> None:
        self.id = entry.id


def lockstep(place: Path, *arguments: str) -> dict:
    """A command in this process, which is another than the service's."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main([*arguments, "--workspace", str(place), "--json"])
    return json.loads(out.getvalue())


@contextlib.contextmanager
def serving(place: Path):
    arguments = ["serve", "--port", "0", "--workspace", str(place), "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "service.commands.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 120)[0], "it never said that it answers"
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def answer(url: str) -> tuple[str, str]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60) as client:
        completion = client.chat.completions.create(model="lockstep", messages=[{"role": "user", "content": "valve"}])
    return completion.lockstep["release"], completion.choices[0].message.content


def until(condition, seconds: float = 60.0):
    """Poll another process for what it says of itself."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return found


def test_a_service_follows_promotions_and_ingests_and_ends_in_good_order(site, place, tmp_path):
    first, second = (entry.id for entry in site.ledger.entries())
    with serving(place) as (process, said):
        url = said["url"]
        assert said["release"] == first
        found = running_service(site.workspace)
        assert found is not None
        assert (found.url, found.pid) == (url, process.pid)
        assert answer(url) == (first, "Embedder 0 knows nothing.")

        assert lockstep(place, "search", "valve")["passages"][0]["document_id"] == "valve.md"
        assert lockstep(place, "ask", "valve")["answer"] == "Embedder 0 knows nothing."
        assert lockstep(place, "serve", "--port", url.rpartition(":")[2])["error"]["code"] == "configuration"

        another = lockstep(place, "serve", "--port", "0")["error"]
        assert (another["code"], url in another["message"]) == ("busy", True)

        assert lockstep(place, "releases", "promote", second)["release"] == second
        until(lambda: answer(url)[0] == second)
        assert answer(url) == (second, "Embedder 1 knows nothing.")
        assert lockstep(place, "releases", "rollback")["release"] == first
        until(lambda: answer(url)[0] == first)

        more = tmp_path / "more"
        more.mkdir()
        (more / "hose.md").write_text("The hose is blue.")
        site.ingest(Path(said_embedder(site, first)), more)
        head = site.catalog.head()
        until(lambda: json.loads(_get(f"{url}/readyz"))["synced"] == head)

        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert "Traceback" not in errors
    assert not site.workspace.service.exists()


def said_embedder(site, release: str) -> str:
    from training.releases.release import read_release

    return read_release(site.workspace, site.ledger, release).manifest.embedder.model


def _get(url: str) -> bytes:
    import httpx

    return httpx.get(url).content


def test_after_a_kill_another_service_starts(site, place):
    with serving(place) as (process, _):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert site.workspace.service.exists()
    assert running_service(site.workspace) is None
    with serving(place) as (process, said):
        assert answer(said["url"])[1] == "Embedder 0 knows nothing."
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors


def test_it_listens_announces_itself_and_cleans_up(site, place, monkeypatch):
    """In this process, so that what a debugger and a coverage report see is there."""
    servers = []

    class Recorded(module._Server):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments)
            servers.append(self)

    monkeypatch.setattr(module, "_Server", Recorded)
    told: list[tuple[str, str]] = []

    def started(url: str, release: str) -> None:
        told.append((url, release))
        assert site.workspace.service.exists()
        servers[0].should_exit = True

    settings = ServiceSettings(port=0)
    thread = threading.Thread(
        target=module.serve,
        args=(site.workspace, site.catalog, site.ledger, site.index, settings),
        kwargs={"started": started},
    )
    thread.start()
    thread.join(120)
    assert not thread.is_alive()
    assert told[0][1] == site.ledger.active()
    assert not site.workspace.service.exists()
    assert site.ledger.unsettled() is None


def test_beyond_this_machine_a_service_without_a_key_does_not_start(site):
    for host in ("0.0.0.0", "::"):
        with pytest.raises(ConfigurationError, match="lockstep keys create"):
            module.serve(site.workspace, site.catalog, site.ledger, site.index, ServiceSettings(host=host, port=0))


def test_who_gets_in_follows_from_the_settings(site):
    settings = ServiceSettings(public_url="https://docs.example/rag", hosts=("rag",))
    doors = module._doors(site.workspace, settings)
    assert (doors.required, set(doors.hosts)) == (False, {*LOOPBACK, "rag", "docs.example"})
    Keys(site.workspace.keys).create("ann", ["chat"])
    beyond = module._doors(site.workspace, ServiceSettings(host="0.0.0.0"))
    assert (beyond.required, beyond.hosts) == (True, None)
    assert len(doors.own) > 32
    assert doors.own != beyond.own


def test_an_address_that_cannot_be_bound_is_told_in_words():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigurationError, match="--port"):
        _bind("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(ConfigurationError, match="--host"):
        _bind("203.0.113.7", 0)
    with pytest.raises(ConfigurationError, match="--host"):
        _bind("no such host", 0)


def test_what_is_written_is_sent_at_once():
    """Else an answer whose head was sent alone waits for the client's acknowledgement: 40 ms each."""

    async def accepted() -> int:
        sent: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            sent.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = _bind("127.0.0.1", 0)
        async with await asyncio.start_server(arrived, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            writer.close()
            return await sent

    assert asyncio.run(accepted())
