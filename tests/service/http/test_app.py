"""The HTTP surface, driven by the unmodified openai client against a real server."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from retrieval.errors import Busy, LockstepError
from retrieval.search_settings import SearchSettings
from service.admission import UNMEASURED
from service.http.app import create_app
from service.live import Live
from tests.service.http.served import Source, ask, served, until

JSON = {"content-type": "application/json"}

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]


def test_an_answer_with_its_citations_and_its_release(client, url):
    completion = ask(client)
    message = completion.choices[0].message
    assert completion.object == "chat.completion"
    assert completion.model == "r1"
    assert message.content == "r1 says 12 bar [1]."
    assert completion.choices[0].finish_reason == "stop"
    facts = completion.lockstep
    assert (facts["release"], facts["abstained"], facts["ignored"]) == ("r1", False, [])
    assert facts["question"] == "How high?"
    assert facts["passages"][0]["chunk_id"] == "d1.md#0"
    (citation,) = facts["citations"]
    assert (citation["chunk_id"], citation["quote"]) == ("d1.md#0", "r1: the valve opens at 12 bar.")
    (annotation,) = message.annotations
    assert annotation.type == "url_citation"
    cited = annotation.url_citation
    assert message.content[cited.start_index : cited.end_index] == "[1]"
    assert (cited.title, cited.url) == (citation["title"], citation["url"])
    assert cited.title == "Manual 1 > Data", "title and headings"
    assert cited.url == f"{url}/documents/d1.md#0"
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + 4
    assert completion._request_id.startswith("req_")


def test_a_stream_joins_to_the_same_answer(client):
    chunks = list(ask(client, stream=True))
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "r1 says 12 bar [1]."
    assert len(chunks) == 6, "a role, four pieces, an end"
    last = chunks[-1]
    assert last.choices[0].finish_reason == "stop"
    assert last.lockstep["release"] == "r1"
    assert last.choices[0].delta.annotations[0]["url_citation"]["title"] == "Manual 1 > Data"
    assert last.usage is None


def test_a_stream_ends_with_its_usage_if_asked(client):
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 4
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_the_stream_helper_of_the_client(client):
    with client.chat.completions.stream(
        model="lockstep", messages=[{"role": "user", "content": "How high?"}]
    ) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.content == "r1 says 12 bar [1]."


def test_an_abstention_says_so(make_runtime, embedder):
    source = Source(make_runtime, embedder=embedder, search=SearchSettings(abstain_below=0.99))
    live = Live(source, poll_seconds=3600)
    live.start()
    with served(create_app(live, max_body_bytes=10_000)) as url:
        completion = openai.OpenAI(base_url=f"{url}/v1", api_key="none").chat.completions.create(
            model="r1", messages=[{"role": "user", "content": "How high?"}]
        )
    live.close()
    assert completion.lockstep["abstained"]
    assert completion.choices[0].message.content == "I cannot find this in the documents."
    assert completion.choices[0].message.annotations == []


def test_the_client_s_parameters_reach_the_engine(client, source):
    ask(client, max_tokens=3, temperature=0.7)
    ask(client, max_completion_tokens=5)
    assert source.runtimes["r1"].generator.asked == [
        {"max_new_tokens": 3, "temperature": 0.7},
        {"max_new_tokens": 5, "temperature": 0.0},
    ]


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": "all"}, "tools"),
        ({"tools": TOOLS, "tool_choice": "required"}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"logprobs": True}, "logprobs"),
        ({"top_p": 1.5}, "top_p"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"presence_penalty": 3.0}, "presence_penalty"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"extra_body": {"top_n": 3}}, "top_n"),
        ({"stream_options": {"include_everything": True}}, "stream_options.include_everything"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(client, parameters, param):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **parameters)
    assert caught.value.param == param
    assert caught.value.body["type"] == "invalid_request_error"
    assert param.split(".")[-1] in caught.value.body["message"]
    assert caught.value.request_id.startswith("req_")


def test_what_changes_nothing_is_accepted(client):
    ask(client, n=1, tools=[], logprobs=False, top_p=1, stop=[], response_format={"type": "text"}, seed=3, user="me")
    ask(client, presence_penalty=0, metadata={"a": "b"}, store=False, temperature=0, extra_body={"logit_bias": {}})


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_tools_that_need_not_be_called_are_accepted_and_reported(client, choice):
    completion = ask(client, tools=TOOLS, tool_choice=choice)
    assert completion.lockstep["ignored"] == ["tools"]
    assert completion.choices[0].message.tool_calls is None


def test_sampling_is_honoured_or_reported(client, source):
    greedy = ask(client, top_p=0.5, seed=3)
    assert greedy.lockstep["ignored"] == [], "the likeliest token is in every nucleus, and needs no seed"
    sampled = ask(client, temperature=1, top_p=0.5, seed=3, frequency_penalty=0.5, presence_penalty=0)
    assert sampled.lockstep["ignored"] == ["top_p", "frequency_penalty", "seed"]
    source.runtimes["r1"].generator.sampling = frozenset({"top_p"})
    assert ask(client, temperature=1, top_p=0.5).lockstep["ignored"] == []
    assert source.runtimes["r1"].generator.asked[-1]["top_p"] == 0.5


@pytest.mark.parametrize("stop", ["bar", ["nothing", "bar"]])
def test_a_stop_sequence_ends_the_answer(client, stop):
    completion = ask(client, stop=stop)
    assert completion.choices[0].message.content == "r1 says 12"
    assert completion.choices[0].finish_reason == "stop"
    chunks = list(ask(client, stop=stop, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "r1 says 12"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([], "messages"),
        ([{"role": "user", "content": ""}], "messages[0].content"),
        ([{"role": "assistant", "content": "hello"}], "messages[0].role"),
        ([{"role": "tool", "content": "x", "tool_call_id": "1"}], "messages[0].role"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "messages[0].content"),
        ([{"role": "user", "content": "word " * 500}], "messages"),
    ],
)
def test_messages_that_cannot_be_answered(client, messages, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="lockstep", messages=messages)
    assert caught.value.param == param


def test_a_prompt_that_is_too_long_has_openai_s_code(client):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "word " * 500)
    assert caught.value.code == "context_length_exceeded"


def test_too_many_requests_are_told_to_come_again(client, source):
    source.runtimes["r1"].generator.failure = Busy("found 512 requests waiting")
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
    assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "rate_limit_error")
    assert caught.value.response.headers["retry-after"] == "1"


def test_overload_is_answered_at_once_and_who_has_gone_leaves_the_queue(url, source):
    """As many wait as the bound allows; the others are told; threads stay few, and the service answers meanwhile."""
    generator = source.runtimes["r1"].generator
    generator.gate = threading.Event()  # nothing gets done
    before = threading.active_count()
    body = {"model": "lockstep", "messages": [{"role": "user", "content": "x"}]}

    def post() -> httpx.Response | None:
        try:
            return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=20)
        except httpx.ReadTimeout:
            return None

    with ThreadPoolExecutor(UNMEASURED + 20) as pool:
        waiting = [pool.submit(post) for _ in range(UNMEASURED + 20)]
        until(lambda: sum(one.done() for one in waiting) == 20)
        refused = [one.result() for one in waiting if one.done()]
        assert {(one.status_code, one.headers["retry-after"]) for one in refused} == {(429, "1")}
        assert refused[0].json()["error"]["code"] == "rate_limit_exceeded"
        until(lambda: len(generator.handles) == UNMEASURED)
        assert httpx.get(f"{url}/livez").status_code == 200
        assert threading.active_count() - before <= UNMEASURED + 20 + UNMEASURED + 8, "clients, generations, searches"
        generator.gate.set()
        assert {one.result().status_code for one in waiting} == {200, 429}
    assert post().status_code == 200, "there is room again"

    generator.gate = threading.Event()
    gone = len(generator.handles)
    with httpx.Client() as http:
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                http.post(f"{url}/v1/chat/completions", json=body, timeout=0.2)
    until(
        lambda: len(generator.handles) == gone + 3 and all(one.cancelled.is_set() for one in generator.handles[gone:])
    )
    generator.gate.set()
    assert post().status_code == 200


def test_a_generation_that_fails_in_the_middle_of_a_stream_raises(client, source, monkeypatch):
    def failing(self):
        yield "12"
        raise LockstepError("the engine died")

    handle = type(source.runtimes["r1"].generator.submit([1], max_new_tokens=1))
    monkeypatch.setattr(handle, "__iter__", failing)
    with pytest.raises(openai.APIError, match="the engine died"):
        list(ask(client, stream=True))


def test_a_bug_is_told_with_the_request_s_id_and_without_its_trace(client, source):
    source.runtimes["r1"].generator.failure = ZeroDivisionError("secret detail")
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client)
    assert caught.value.request_id in caught.value.body["message"]
    assert "secret detail" not in caught.value.response.text
    assert caught.value.type == "server_error"


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away_cancels_its_generation(url, source, live, stream):
    generator = source.runtimes["r1"].generator
    generator.gate = threading.Event()  # the second piece never comes
    body = {"model": "lockstep", "messages": [{"role": "user", "content": "x"}], "stream": stream}
    with httpx.Client(timeout=30) as http:
        if stream:
            with http.stream("POST", f"{url}/v1/chat/completions", json=body) as response:
                assert "assistant" in next(response.iter_lines())
        else:
            with pytest.raises(httpx.ReadTimeout):
                http.post(f"{url}/v1/chat/completions", json=body, timeout=0.5)
    assert generator.handles[0].cancelled.wait(30)


def test_unknown_paths_methods_and_bodies_have_the_same_shape(url):
    answers = [
        (httpx.get(f"{url}/v1/nothing"), 404, "unknown_url"),
        (httpx.get(f"{url}/v1/embeddings"), 405, "method_not_allowed"),
        (httpx.post(f"{url}/v1/embeddings", content=b"{", headers=JSON), 400, "invalid_json"),
        (httpx.post(f"{url}/v1/embeddings", content=b"[]", headers=JSON), 400, "invalid_value"),
        (httpx.post(f"{url}/v1/embeddings", content=b"{}"), 400, "invalid_content_type"),
        (httpx.post(f"{url}/v1/embeddings", headers=JSON), 400, "missing_required_parameter"),
        (httpx.post(f"{url}/v1/embeddings", json={"model": "lockstep"}), 400, "missing_required_parameter"),
        (httpx.post(f"{url}/v1/embeddings", content=b"x" * 100_001), 413, "body_too_large"),
        (httpx.post(f"{url}/v1/embeddings", content=iter([b"x" * 60_000] * 2)), 413, "body_too_large"),
    ]
    for response, status, code in answers:
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (status, code)
        assert set(error) == {"message", "type", "param", "code"}
        assert response.headers["x-request-id"]


def test_the_client_s_request_id_is_kept_if_it_is_harmless(url):
    assert httpx.get(f"{url}/livez", headers={"x-request-id": "my-1"}).headers["x-request-id"] == "my-1"
    long = httpx.get(f"{url}/livez", headers={"x-request-id": "x" * 200})
    assert long.headers["x-request-id"].startswith("req_")


def test_health(url, source, live):
    assert httpx.get(f"{url}/livez").json() == {"status": "alive"}
    ready = httpx.get(f"{url}/readyz")
    assert (ready.status_code, ready.json()["release"], ready.json()["problem"]) == (200, "r1", None)
    source.now = "r2"
    source.broken.add("r2")
    live.check()
    degraded = httpx.get(f"{url}/readyz")
    assert degraded.status_code == 200
    assert (degraded.json()["release"], degraded.json()["active"]) == ("r1", "r2")
    assert "weights were changed" in degraded.json()["problem"]
    live.close()
    assert httpx.get(f"{url}/readyz").status_code == 503
    stopped = httpx.post(
        f"{url}/v1/chat/completions", json={"model": "lockstep", "messages": [{"role": "user", "content": "x"}]}
    )
    assert (stopped.status_code, stopped.json()["error"]["code"]) == (503, "storage")


def test_one_release_answers_one_request_while_releases_change(url, source, live):
    """Invariant 1 over HTTP: text, passages, citations and ids of an answer agree, streamed or not."""
    stop, faults, answers = threading.Event(), [], []

    def requests(stream: bool) -> None:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            while not stop.is_set():
                if stream:
                    chunks = list(ask(client, stream=True))
                    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
                    model, facts = chunks[0].model, chunks[-1].lockstep
                else:
                    completion = ask(client)
                    text, model = completion.choices[0].message.content, completion.model
                    facts = completion.lockstep
                seen = {model, facts["release"], text.split()[0], facts["passages"][0]["text"].split(":")[0]}
                answers.append(model)
                if len(seen) != 1:
                    faults.append(seen)

    threads = [threading.Thread(target=requests, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 120
    number = 1
    while len(set(answers)) < 20 and time.monotonic() < deadline:
        number += 1
        source.now = f"r{number}"
        live.check()
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(set(answers)) >= 20
    live.check()
    assert [runtime.closed for runtime in source.runtimes.values()].count(False) == 1


def test_a_stream_that_has_begun_ends_on_its_release(url, source, live):
    source.runtimes["r1"].generator.gate = gate = threading.Event()
    body = {"model": "lockstep", "messages": [{"role": "user", "content": "x"}], "stream": True}
    with httpx.Client(timeout=60) as http, http.stream("POST", f"{url}/v1/chat/completions", json=body) as response:
        lines = (line for line in response.iter_lines() if line)
        next(lines)
        source.now = "r2"
        live.check()
        assert live.status().release == "r2"
        gate.set()
        rest = [json.loads(line.removeprefix("data: ")) for line in lines if line != "data: [DONE]"]
    assert {chunk["model"] for chunk in rest} == {"r1"}
    assert rest[-1]["lockstep"]["release"] == "r1"
    assert rest[-1]["choices"][0]["finish_reason"] == "stop"
