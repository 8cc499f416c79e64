"""The service over fakes, driven by the unmodified openai client at its strictest."""

import openai
import pytest

from service.http.app import create_app
from service.live import Live
from tests.service.http.served import Source, served


@pytest.fixture
def tasks():
    """Of every release; a module of tests that wants some has its own."""
    return {}


@pytest.fixture
def source(make_runtime, embedder, tasks):
    return Source(make_runtime, embedder=embedder, tasks=tasks)


@pytest.fixture
def live(source):
    held = Live(source, poll_seconds=3600)
    held.start()
    yield held
    held.close()


@pytest.fixture
def url(live):
    with served(create_app(live, max_body_bytes=100_000)) as address:
        yield address


@pytest.fixture
def client(url):
    with openai.OpenAI(
        base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60, _strict_response_validation=True
    ) as held:
        yield held


@pytest.fixture
def lenient(client):
    """By default it asks for base64, which it takes for an error at its strictest, whoever answers."""
    with openai.OpenAI(base_url=str(client.base_url), api_key="none", max_retries=0, timeout=60) as held:
        yield held
