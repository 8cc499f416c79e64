"""The log's line, the counts, and which pages and names get in."""

import logging
import re

import httpx
import pytest

from service.http.app import Doors, create_app
from tests.service.http.served import ask, served, until

CHAT = {"model": "lockstep", "messages": [{"role": "user", "content": "Is Ann ill?"}]}


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, "lockstep.access")

    def found(number: int) -> list[str]:
        until(lambda: sum(one.name == "lockstep.access" for one in caplog.records) >= number)
        return [one.getMessage() for one in caplog.records if one.name == "lockstep.access"]

    return found


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_is_one_line_that_does_not_say_what_was_asked(client, lines, stream, caplog):
    answer = ask(client, "Is Ann ill?", stream=stream)
    list(answer)
    (line,) = lines(1)
    expected = r"POST /v1/chat/completions 200 \d+\.\d{3} s release r1 tokens \d+\+4 request req_\w+"
    assert re.fullmatch(expected, line)
    assert "Ann" not in caplog.text


def test_what_was_asked_is_written_down_where_that_is_switched_on(live, lines):
    with served(create_app(live, max_body_bytes=10_000, log_questions=True)) as url:
        httpx.post(f"{url}/v1/chat/completions", json=CHAT)
        (line,) = lines(1)
    assert line.endswith('question "Is Ann ill?"')


def test_neither_path_nor_query_is_written_down(url, lines, caplog):
    httpx.get(f"{url}/secret-path?key=secret-query", headers={"x-request-id": "a b\tc"})
    (line,) = lines(1)
    assert re.fullmatch(r"GET \(none\) 404 \d+\.\d{3} s release - tokens 0\+0 request req_\w+", line)
    assert "secret" not in caplog.text
    assert "secret" not in httpx.get(f"{url}/metrics").text


def test_metrics_count_requests_tokens_and_who_waits(url, lines):
    for _ in range(2):
        httpx.post(f"{url}/v1/chat/completions", json=CHAT)
    httpx.get(f"{url}/nowhere")
    lines(3)
    found = httpx.get(f"{url}/metrics")
    assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
    shown = found.text.splitlines()
    assert 'lockstep_requests_total{method="POST",route="/v1/chat/completions",status="200"} 2.0' in shown
    assert 'lockstep_requests_total{method="GET",route="(none)",status="404"} 1.0' in shown
    assert 'lockstep_request_seconds_count{route="/v1/chat/completions"} 2.0' in shown
    assert 'lockstep_tokens_total{kind="completion"} 8.0' in shown
    assert "lockstep_answers_waiting 0.0" in shown


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""])
def test_another_name_is_refused(url, host):
    found = httpx.get(f"{url}/v1/models", headers={"host": host})
    assert (found.status_code, found.json()["error"]["code"]) == (403, "host_not_allowed")
    assert found.headers["x-request-id"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:8000"])
def test_this_machine_s_names_are_taken(url, host):
    assert httpx.get(f"{url}/livez", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1"])
def test_a_page_of_another_origin_is_refused(url, source, origin):
    found = httpx.post(f"{url}/v1/chat/completions", json=CHAT, headers={"origin": origin})
    assert (found.status_code, found.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert source.runtimes["r1"].generator.handles == []


def test_a_page_of_an_origin_that_was_named_may_call(live):
    doors = Doors(origins=["https://chat.example"])
    with served(create_app(live, max_body_bytes=10_000, doors=doors)) as url:
        asked = {"origin": "https://chat.example", "access-control-request-method": "POST"}
        asked["access-control-request-headers"] = "authorization,content-type,x-stainless-lang"
        preflight = httpx.options(f"{url}/v1/chat/completions", headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://chat.example"
        assert "x-stainless-lang" in preflight.headers["access-control-allow-headers"]
        for body, status in ((CHAT, 200), ({}, 400)):
            found = httpx.post(f"{url}/v1/chat/completions", json=body, headers={"origin": "https://chat.example"})
            assert found.status_code == status
            assert found.headers["access-control-allow-origin"] == "https://chat.example"
            assert "retry-after" in found.headers["access-control-expose-headers"]
        refused = httpx.options(f"{url}/v1/chat/completions", headers=asked | {"origin": "https://evil.example"})
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers


def test_the_service_s_own_pages_may_call(url):
    assert httpx.get(f"{url}/v1/models", headers={"origin": url}).status_code == 200


def test_options_are_answered(url):
    found = httpx.options(f"{url}/v1/chat/completions")
    assert (found.status_code, found.headers["allow"]) == (204, "POST")
