"""A service over fakes, and the unmodified openai client."""

import openai
import pytest

from service.http.app import create_app
from service.live import Live
from tests.service.http.serving import Source, served


@pytest.fixture
def source(make_runtime, embedder):
    return Source(make_runtime, embedder=embedder)


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
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60) as held:
        yield held
