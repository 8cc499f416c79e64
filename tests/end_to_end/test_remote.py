"""A workspace whose answers a second Lockstep generates: asked, retrained, and told when that one dies."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retrieval.progress import silent
from service.commands.diagnosis import examine

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def served(place: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A service over a workspace, and its address."""
    program = "import sys; from service.commands.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "serve", "--port", "0", "--workspace", str(place)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    running = place / ".lockstep" / "service.json"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if running.is_file():
            url = str(json.loads(running.read_text())["url"])
            try:
                if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                    return process, url
            except httpx.HTTPError:
                pass
        time.sleep(0.2)
    process.kill()
    raise AssertionError("the service never came up")


@pytest.fixture
def second(world, tmp_path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Another Lockstep, over a copy of the workspace."""
    process, url = served(world.copy(tmp_path / "second").place)
    yield process, url
    process.kill()
    process.wait()


def point_to(world, url: str) -> None:
    """Let a server generate for a workspace."""
    file = world.place / "lockstep.toml"
    text = file.read_text()
    start = text.index("[generator]")
    end = text.index("[chunking]")
    section = f'[generator]\nurl = "{url}/v1"\nmodel = "lockstep"\nmax_new_tokens = 4\n'
    file.write_text(text[:start] + section + text[end:])


def test_a_second_lockstep_answers_and_when_it_dies_that_is_told(world, second, lockstep, monkeypatch):
    process, url = second
    point_to(world, url)
    lockstep(world, "ingest", world.documents)  # makes another first release, with the server
    status, value = lockstep(world, "ask", "At what pressure does the heron open?")
    assert status == 0
    assert value["answer"]
    assert value["passages"]
    (finding,) = [one for one in examine(world.place, silent) if one.name == "generator"]
    assert finding.state == "ok"

    monkeypatch.setattr("training.generator.remote.RETRIES", 0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    status, value = lockstep(world, "ask", "At what pressure does the heron open?")
    assert status == 1
    assert value["error"]["code"] == "unavailable"
    assert url in value["error"]["message"]


def test_embedder_and_settings_are_retrained_over_a_server_and_the_generator_is_not(world, second, lockstep):
    _, url = second
    point_to(world, url)
    lockstep(world, "ingest", world.documents)
    status, value = lockstep(world, "retrain", "--examples", world.examples)
    assert status == 2
    assert "generator_enabled = false" in value["error"]["message"]
    text = (world.place / "lockstep.toml").read_text()
    (world.place / "lockstep.toml").write_text(text.replace("[training]", "[training]\ngenerator_enabled = false"))
    status, value = lockstep(world, "retrain", "--examples", world.examples, "--promote", "always")
    assert status == 0
    assert {"settings only", "embedder tuned"} >= {value["chosen"]}
    assert value["metrics"]["baseline"]["generation"]["loss"] is None
    assert value["metrics"]["baseline"]["generation"]["answer_score"] is not None
