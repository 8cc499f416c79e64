"""Questions go to the service that runs on the workspace."""

import http.server
import json
import threading

import pytest

from retrieval.workspace import Workspace
from service.commands.main import main
from service.running import announced, base_url

PASSAGE = {
    "document_id": "a.md",
    "chunk_id": "a.md#0",
    "title": "A",
    "url": "http://x/documents/a.md#0",
    "text": "The valve opens at 12 bar.",
    "score": 1.0,
    "similarity": 0.5,
    "rank": 1,
}
PRINTED = {name: value for name, value in PASSAGE.items() if name not in ("title", "url")}
"""As without a service."""
FACTS = {
    "release": "r1",
    "question": "How high?",
    "abstained": False,
    "citations": [{"document_id": "a.md", "chunk_id": "a.md#0", "quote": "The valve opens at 12 bar."}],
    "passages": [PASSAGE],
    "ignored": [],
}


class Service:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict]] = []
        self.answers = {
            "/v1/lockstep/search": {"object": "x", "question": "How high?", "release": "r1", "passages": [PASSAGE]},
            "/v1/chat/completions": {
                "choices": [{"message": {"content": "12 bar [1]."}, "finish_reason": "stop"}],
                "lockstep": FACTS,
            },
        }
        self.status = 200


@pytest.fixture
def place(tmp_path):
    (tmp_path / "lockstep.toml").write_text("")
    return tmp_path


@pytest.fixture
def service(place):
    here = Service()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            here.asked.append((self.path, self.headers["authorization"], body))
            self.send_response(here.status)
            self.end_headers()
            self.wfile.write(json.dumps(here.answers[self.path]).encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with announced(Workspace(place), base_url("127.0.0.1", server.server_port), "own-secret"):
        yield here
    server.shutdown()
    thread.join()
    server.server_close()


def run(capfd, *arguments: object) -> tuple[int, dict]:
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capfd.readouterr().out)


def test_a_question_is_answered_by_the_service(service, place, capfd):
    status, value = run(capfd, "ask", "How high?", "-w", place)
    assert status == 0
    assert (value["answer"], value["release"], value["finish_reason"]) == ("12 bar [1].", "r1", "stop")
    assert (value["abstained"], value["citations"], value["passages"]) == (False, FACTS["citations"], [PRINTED])
    ((path, authorization, body),) = service.asked
    assert (path, authorization) == ("/v1/chat/completions", "Bearer own-secret")
    assert body == {"model": "lockstep", "messages": [{"role": "user", "content": "How high?"}]}
    run(capfd, "ask", "How high?", "--task", "stance", "-w", place)
    assert service.asked[-1][2]["model"] == "lockstep:stance"


def test_a_search_is_made_by_the_service(service, place, capfd):
    condition = {"type": "eq", "key": "document_id", "value": "a.md"}
    arguments = ("search", "How high?", "-k", 3, "--filter", json.dumps(condition), "-w", place)
    assert run(capfd, *arguments) == (0, {"question": "How high?", "release": "r1", "passages": [PRINTED]})
    assert service.asked[0][2] == {"question": "How high?", "top_k": 3, "filter": condition}
    main(["ask", "How high?", "-w", str(place)])
    assert capfd.readouterr().out.startswith("12 bar [1].")


@pytest.mark.parametrize("command", ["ask", "search"])
def test_what_the_service_refuses_is_told_in_its_words(service, place, capfd, command):
    service.status = 429
    refusal = {"error": {"message": "found 9 answers waiting", "code": "rate_limit_exceeded"}}
    service.answers = dict.fromkeys(service.answers, refusal)
    status, value = run(capfd, command, "How high?", "-w", place)
    assert (status, value) == (1, {"error": {"message": "found 9 answers waiting", "code": "rate_limit_exceeded"}})


def test_the_keys_of_a_workspace(place, capfd):
    status, made = run(capfd, "keys", "create", "--name", "ann", "--scope", "chat", "--scope", "ingest", "-w", place)
    assert status == 0
    assert made["key"].startswith(f"lk-{made['id']}-")
    status, listed = run(capfd, "keys", "list", "-w", place)
    assert [(one["id"], one["name"], one["scopes"]) for one in listed["keys"]] == [
        (made["id"], "ann", ["chat", "ingest"])
    ]
    assert made["key"].rpartition("-")[2] not in json.dumps(listed)
    assert run(capfd, "keys", "revoke", made["id"], "-w", place)[0] == 0
    assert run(capfd, "keys", "list", "-w", place)[1] == {"keys": []}
    status, missing = run(capfd, "keys", "revoke", made["id"], "-w", place)
    assert (status, missing["error"]["code"]) == (1, "not_found")
    status, wrong = run(capfd, "keys", "create", "--scope", "all", "-w", place)
    assert (status, wrong["error"]["code"]) == (2, "usage")
    assert "found scopes all, expected some of: chat, ingest, train, admin" in wrong["error"]["message"]
