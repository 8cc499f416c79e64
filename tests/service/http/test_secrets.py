"""What people ask, hold and read is in no line of the log, no error and no metric, whatever goes wrong."""

import logging

import httpx
import pytest

from retrieval.errors import StorageError
from service.http.app import Doors, create_app
from service.keys import Keys
from tests.service.http.served import Source, served

OWN = "own-key-of-this-machine"
SECRETS = {
    place: f"planted-{number:02d}-Zanzibar"
    for number, place in enumerate(
        ("question", "history", "system", "stop", "tool", "user", "text", "document", "query", "cookie", "bug")
    )
}


class Catalog:
    """A disk that fails, and says which document it was about."""

    def live_chunks(self, documents):
        raise StorageError("the disk is full")


@pytest.fixture
def told(make_runtime, embedder, live, source, tmp_path, caplog, capfd):
    """A way to call the service; afterwards all that it has told anybody but in answers."""
    caplog.set_level(logging.DEBUG)
    keys = Keys(tmp_path / "keys.json")
    _, key = keys.create("ann", ["admin"])
    seen: list[str] = []
    with served(create_app(live, max_body_bytes=100_000, doors=Doors(keys=keys, own=OWN))) as url:
        headers = {"authorization": f"Bearer {key}", "cookie": SECRETS["cookie"], "user-agent": SECRETS["cookie"]}
        with httpx.Client(base_url=url, headers=headers, params={"q": SECRETS["query"]}, timeout=30) as http:

            def call(method: str, path: str, status: int, **more) -> httpx.Response:
                found = http.request(method, path, **more)
                assert found.status_code == status, found.text
                seen.append(found.text if status >= 400 else "")
                return found

            yield call
            seen.append(call("GET", "/metrics", 200).text)
    secrets = [*SECRETS.values(), key, key.rpartition("-")[2], OWN]
    lines = [
        logging.Formatter().format(one)
        for one in caplog.records
        if not one.name.startswith("http")  # this test's own client
    ]
    assert any(one.startswith("GET /metrics 200") for one in lines)
    everything = "\n".join([*seen, *lines, *capfd.readouterr()])
    assert [one for one in secrets if one in everything] == []


def chat(**more) -> dict:
    messages = [
        {"role": "system", "content": SECRETS["system"]},
        {"role": "user", "content": SECRETS["history"]},
        {"role": "assistant", "content": SECRETS["history"]},
        {"role": "user", "content": SECRETS["question"]},
    ]
    body = {
        "model": "lockstep",
        "messages": messages,
        "stop": [SECRETS["stop"]],
        "user": SECRETS["user"],
        "tools": [{"type": "function", "function": {"name": SECRETS["tool"]}}],
    }
    return body | more


@pytest.fixture
def source(make_runtime, embedder):
    return Source(make_runtime, embedder=embedder)


def test_answers_and_refusals(told, source):
    source.runtimes["r1"].searcher.texts = [SECRETS["text"]]
    told("POST", "/v1/chat/completions", 200, json=chat())
    told("POST", "/v1/chat/completions", 200, json=chat(stream=True))
    told("POST", "/v1/lockstep/search", 200, json={"question": SECRETS["question"]})
    for wrong in (
        {"messages": SECRETS["question"]},
        {"messages": [SECRETS["question"]]},
        {"messages": [{"role": SECRETS["question"] * 3, "content": "a"}]},
        {"messages": [{"role": "user", "content": {"text": SECRETS["question"]}}]},
        {"messages": [{"role": "user", "content": [{"type": SECRETS["question"], "text": "a"}]}]},
        {"messages": [{"role": "user", "content": SECRETS["question"] + " word" * 500}]},
        {"stop": [SECRETS["stop"]] * 5},
        {"tools": SECRETS["tool"]},
        {"tool_choice": {"function": {"name": SECRETS["tool"]}}},
        {"user": [SECRETS["user"]]},
        {"response_format": {"schema": SECRETS["tool"]}},
        {SECRETS["question"]: 1},
    ):
        told("POST", "/v1/chat/completions", 400, json=chat(**wrong))
    told("POST", "/v1/embeddings", 400, json={"model": "lockstep", "input": [SECRETS["text"] * 200]})
    told("POST", "/v1/embeddings", 400, json={"model": "lockstep", "input": {"a": SECRETS["text"]}})
    told("POST", "/v1/embeddings", 400, content=f'{{"{SECRETS["text"]}', headers={"content-type": "application/json"})
    told("POST", "/v1/embeddings", 400, content=SECRETS["text"])
    told("POST", "/v1/lockstep/search", 400, json={"question": [SECRETS["question"]]})


def test_what_breaks(told, source, monkeypatch):
    runtime = source.runtimes["r1"]
    runtime.searcher.catalog = Catalog()
    told("GET", f"/documents/{SECRETS['document']}", 503)
    bug = RuntimeError(SECRETS["bug"])

    def broken(*arguments, **parameters):
        raise ValueError(SECRETS["question"]) from bug

    with monkeypatch.context() as patched:
        patched.setattr(runtime.searcher, "search", broken)
        told("POST", "/v1/lockstep/search", 500, json={"question": SECRETS["question"]})
    with monkeypatch.context() as patched:
        patched.setattr(runtime.answerer, "conclude", broken)
        told("POST", "/v1/chat/completions", 500, json=chat())
        with pytest.raises(httpx.RemoteProtocolError):  # in the middle of a stream
            told("POST", "/v1/chat/completions", 200, json=chat(stream=True))


def test_a_bug_before_any_route_has_openai_s_shape_too(live, tmp_path, monkeypatch, caplog):
    keys = Keys(tmp_path / "keys.json")
    _, key = keys.create("ann", ["chat"])
    monkeypatch.setattr(keys, "check", lambda presented: 1 / 0)
    with served(create_app(live, max_body_bytes=1000, doors=Doors(keys=keys))) as url:
        found = httpx.get(f"{url}/v1/models", headers={"authorization": f"Bearer {key}"})
    assert (found.status_code, found.json()["error"]["code"]) == (500, "internal")
    assert found.headers["x-request-id"] in found.json()["error"]["message"]
    assert "ZeroDivisionError" in caplog.text
