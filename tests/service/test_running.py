import http.server
import json
import os
import shlex
import subprocess
import sys
import threading

import pytest

from retrieval.errors import Busy
from service.running import announced, base_url, offer, running_service


@pytest.fixture
def address():
    class Alive(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/livez" else 404)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Alive)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield base_url("127.0.0.1", server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_is_found_while_it_runs(workspace, address):
    assert running_service(workspace) is None
    with announced(workspace, address):
        found = running_service(workspace)
        assert found is not None
        assert (found.url, found.pid) == (address, os.getpid())
    assert not workspace.service.exists()


def test_what_a_killed_service_left_is_not_taken_for_one(workspace, address):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    workspace.state.mkdir()
    workspace.service.write_text(json.dumps({"url": address, "pid": ended.pid}))
    assert running_service(workspace) is None


def test_a_process_that_does_not_answer_is_no_service(workspace):
    with announced(workspace, "http://127.0.0.1:9"):
        assert running_service(workspace) is None


@pytest.mark.parametrize("content", ["", "[]", '{"url": "http://x"}', '{"url": 1, "pid": "x"}'])
def test_a_file_of_another_kind_is_ignored(workspace, content):
    workspace.state.mkdir()
    workspace.service.write_text(content)
    assert running_service(workspace) is None


def test_the_file_of_another_service_stays(workspace):
    with announced(workspace, "http://127.0.0.1:9"):
        workspace.service.write_text(json.dumps({"url": "http://127.0.0.1:10", "pid": 1}))
    assert workspace.service.exists()


def test_a_busy_index_offers_the_service_with_a_line_that_a_shell_takes(workspace, address):
    question = 'What\'s "12 bar" für?'
    with announced(workspace, address):
        error = offer(workspace, question, Busy("held"))
    line = str(error).partition("ask the service: ")[2]
    words = shlex.split(line)
    assert words[0] == "curl"
    assert f"{address}/v1/chat/completions" in words
    assert json.loads(words[-1])["messages"][0]["content"] == question


def test_without_a_service_the_error_is_the_lock_s(workspace):
    busy = Busy("held by pid 5")
    assert offer(workspace, "x", busy) is busy


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8"),
        ("0.0.0.0", "http://127.0.0.1:8"),
        ("::", "http://[::1]:8"),
        ("box.lan", "http://box.lan:8"),
    ],
)
def test_the_address_is_one_that_this_machine_reaches(host, url):
    assert base_url(host, 8) == url
