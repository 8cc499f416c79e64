"""A generator behind a server: a small one here that answers, fails and dies as it is told to."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from retrieval.errors import Busy, InputError, LockstepError, Unavailable
from training.evaluation.memoized import Memoized
from training.generator import remote
from training.generator.remote import CONTEXT, RemoteGenerator
from training.generator.tool_calls import Call, first_call

MESSAGES: Any = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "At what pressure?"}]


class Server:
    """What it was asked, and what it says."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.pieces: list[str] = ["12", " bar", " [1]"]
        self.reason: str | None = "stop"
        self.calls: list[dict[str, str]] = []
        self.refusal: tuple[int, str] | None = None
        self.dies_after: int | None = None
        self.models: list[dict[str, Any]] = [{"id": "some-model", "max_model_len": 32768}]
        self.gate: threading.Event | None = None
        self.waited_in_vain = False
        self.address = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.end_headers()
        for position, piece in enumerate(self.pieces):
            if position == self.dies_after:
                handler.connection.close()
                return
            if position and self.gate:
                self.waited_in_vain = not self.gate.wait(20)
            self.send(handler, {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        for part in self.calls:
            called = {"tool_calls": [{"index": 0, "type": "function", "function": part}]}
            self.send(handler, {"choices": [{"index": 0, "delta": called, "finish_reason": None}]})
        if self.reason:
            self.send(handler, {"choices": [{"index": 0, "delta": {}, "finish_reason": self.reason}]})
        self.send(handler, {"choices": [], "usage": {"prompt_tokens": 17, "completion_tokens": 5, "total_tokens": 22}})
        handler.wfile.write(b"data: [DONE]\n\n")

    def send(self, handler: BaseHTTPRequestHandler, event: dict[str, Any]) -> None:
        whole = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "some-model"} | event
        handler.wfile.write(f"data: {json.dumps(whole)}\n\n".encode())
        handler.wfile.flush()


@pytest.fixture
def server() -> Iterator[Server]:
    here = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.say(200, {"object": "list", "data": [{"object": "model"} | one for one in here.models]})

        def do_POST(self) -> None:
            here.keys.append(self.headers["authorization"])
            here.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            if here.refusal:
                status, message = here.refusal
                self.say(status, {"error": {"message": message, "type": "t", "param": None, "code": None}})
            else:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    here.answer(self)

        def say(self, status: int, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        here.address = f"http://127.0.0.1:{listening.server_address[1]}/v1"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield here
        listening.shutdown()
        thread.join()


@pytest.fixture
def generator(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteGenerator]:
    monkeypatch.setattr(remote, "RETRIES", 0)
    found = RemoteGenerator(server.address, "some-model")
    yield found
    found.stop()


def test_the_messages_go_out_and_the_text_comes_in_pieces(server, generator, monkeypatch):
    monkeypatch.setenv(remote.KEY, "secret-7")
    handle = generator.submit(generator.encode(MESSAGES), max_new_tokens=9, temperature=0.5, top_p=0.9, seed=3)
    assert list(handle) == ["12", " bar", " [1]"]
    assert (handle.finish_reason, handle.prompt_tokens, handle.completion_tokens) == ("stop", 17, 5)
    (asked,) = server.asked
    assert asked["messages"] == MESSAGES
    assert (asked["model"], asked["max_tokens"], asked["temperature"]) == ("some-model", 9, 0.5)
    assert (asked["top_p"], asked["seed"]) == (0.9, 3)
    assert server.keys == ["Bearer secret-7"]


def test_many_are_completed_in_their_order_and_each_once(server, generator):
    server.reason = "length"
    memo = Memoized(generator)
    prompts = [generator.encode([*MESSAGES, {"role": "user", "content": f"{i % 3}"}]) for i in range(9)]
    assert memo.complete(prompts, 4) == [("12 bar [1]", "length")] * 9
    assert len(server.asked) == 3
    assert {asked["temperature"] for asked in server.asked} == {0.0}


def test_the_context_is_what_the_server_tells(server, generator):
    assert generator.max_context == 32768
    server.models = [{"id": "another"}]
    assert RemoteGenerator(server.address, "some-model").max_context == CONTEXT
    assert generator.listed() == {"another": None}
    assert len(generator.encode(MESSAGES)) < len(generator.encode([*MESSAGES, *MESSAGES]))


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (400, InputError, "refusing the request: .*too long"),
        (401, Unavailable, "refusing the key .*LOCKSTEP_GENERATOR_KEY"),
        (404, Unavailable, "nothing to ask .*correct url and model"),
        (429, Busy, "too much to do"),
        (500, Unavailable, "no usable answer"),
    ],
)
def test_a_refusal_is_told_in_words(server, generator, status: int, kind: type[LockstepError], said: str):
    server.refusal = (status, "the prompt is too long")
    with pytest.raises(kind, match=said):
        generator.complete([generator.encode(MESSAGES)], 4)
    server.refusal = None
    assert generator.complete([generator.encode(MESSAGES)], 4) == [("12 bar [1]", "stop")]  # and the next one works


def test_a_server_that_is_away_is_told_and_asked_again_later():
    gone = RemoteGenerator("http://127.0.0.1:9/v1", "some-model")
    with pytest.raises(Unavailable, match=r"no usable answer of the generator at http://127.0.0.1:9/v1 .*start it"):
        gone.submit(gone.encode(MESSAGES), max_new_tokens=4)
    assert gone.max_context == CONTEXT
    gone.stop()


def test_what_is_busy_for_a_moment_is_asked_again(server):
    server.refusal = (503, "loading")
    timer = threading.Timer(0.3, lambda: setattr(server, "refusal", None))
    timer.start()
    patient = RemoteGenerator(server.address, "some-model")
    assert patient.complete([patient.encode(MESSAGES)], 4) == [("12 bar [1]", "stop")]
    timer.join()
    assert len(server.asked) > 1
    patient.stop()


@pytest.mark.parametrize("how", ["dies", "ends"])
def test_an_answer_that_is_cut_off_in_the_middle_is_an_error(server, generator, how: str):
    if how == "dies":
        server.dies_after = 2
    else:
        server.reason = None
    handle = generator.submit(generator.encode(MESSAGES), max_new_tokens=9)
    got: list[str] = []
    with pytest.raises(Unavailable, match="cut off in the middle"):
        got.extend(handle)
    assert got[:1] in ([], ["12"])
    server.dies_after, server.reason = None, "stop"
    assert generator.complete([generator.encode(MESSAGES)], 4) == [("12 bar [1]", "stop")]


def test_an_answer_can_be_cancelled_while_it_is_waited_for(server, generator):
    server.gate = threading.Event()
    handle = generator.submit(generator.encode(MESSAGES), max_new_tokens=9)
    pieces = iter(handle)
    assert next(pieces) == "12"
    threading.Timer(0.2, handle.cancel).start()
    assert list(pieces) in ([], [" bar"])
    assert handle.finish_reason == "cancelled"
    assert not server.waited_in_vain, "it hung up while the server was silent"
    server.gate.set()


def test_what_is_no_such_server_is_told(server, generator, monkeypatch):
    def page(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/html")
        handler.end_headers()
        handler.wfile.write(b"<html>Hello</html>\n\ndata: {not json\n\n")

    monkeypatch.setattr(server, "answer", page)
    with pytest.raises(Unavailable):
        generator.complete([generator.encode(MESSAGES)], 4)


def test_neither_the_key_nor_what_was_asked_is_repeated(server, generator, monkeypatch):
    """Servers quote the key they refuse, and validators the input."""
    monkeypatch.setenv(remote.KEY, "sk-planted")
    question = "Is Ann Smith of the Lagos office ill?"
    for status, kind in ((401, Unavailable), (400, InputError), (404, Unavailable), (429, Busy), (500, Unavailable)):
        server.refusal = (status, f"incorrect key sk-planted; input: [{{'content': '{question[:30]}"[:200])
        with pytest.raises(kind) as caught:
            generator.submit(generator.encode([{"role": "user", "content": question}]), max_new_tokens=4)
        assert "incorrect key (the key); input" in str(caught.value)
        assert "sk-planted" not in str(caught.value)
        assert "Ann Smith" not in str(caught.value)


def test_the_password_of_an_address_is_not_told():
    away = RemoteGenerator("http://ann:planted@127.0.0.1:1/v1?key=planted", "some-model")
    with pytest.raises(Unavailable) as caught:
        away.listed()
    assert "http://127.0.0.1:1/v1" in str(caught.value)
    assert "planted" not in str(caught.value)


TOOLS = [{"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": {}}}]
CALLED: Any = [
    *MESSAGES,
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "find", "arguments": {"query": "bar"}}}],
    },
    {"role": "tool", "content": "12 bar", "tool_call_id": "a"},
]


def test_a_tool_is_offered_and_its_call_comes_as_text_in_the_end(server, generator):
    server.pieces, server.reason = [], "tool_calls"
    server.calls = [{"name": "find", "arguments": ""}, {"arguments": '{"query": '}, {"arguments": '"bar"}'}]
    prompt = generator.encode(CALLED, tools=TOOLS)
    ((text, ended),) = generator.complete([prompt], 9)
    assert (first_call(text), ended) == (Call("find", {"query": "bar"}), "stop")
    (asked,) = server.asked
    assert asked["tools"] == TOOLS
    assert json.loads(asked["messages"][2]["tool_calls"][0]["function"]["arguments"]) == {"query": "bar"}
    assert len(prompt) > len(generator.encode(CALLED))
    assert "tools" not in _asked(server, generator, CALLED)


def test_whether_a_server_takes_tools_is_asked_of_it(server, generator):
    assert generator.takes_tools(CALLED, TOOLS)
    server.refusal = (400, "this model does not support tools")
    assert not generator.takes_tools(CALLED, TOOLS)


def _asked(server: Server, generator: RemoteGenerator, messages: Any) -> dict[str, Any]:
    generator.complete([generator.encode(messages)], 4)
    return server.asked[-1]
