"""A document's page: what a citation opens."""

from types import SimpleNamespace

import httpx
import pytest

from retrieval.documents import Chunk, Document
from service.http.documents import page

HOSTILE = '<script>alert(1)</script> & "quoted" {{ x }} \ud800'


def chunks(document: Document, *bounds: tuple[int, int]) -> list[Chunk]:
    return [Chunk(document.id, i, document.text[a:b], a, b) for i, (a, b) in enumerate(bounds)]


def test_every_chunk_can_be_opened_and_the_text_is_whole():
    document = Document("a.md", "One two three four")
    shown = page(document, chunks(document, (0, 7), (4, 13), (14, 18)))
    assert shown.count(["One", "two", "three", "four"][0]) == 1
    assert '<span id="0">One </span><span id="1">two three</span> <span id="2">four</span></main>' in shown


def test_a_document_without_chunks_is_shown():
    assert "<main>text</main>" in page(Document("a.md", "text"), [])


@pytest.fixture
def documents(source, live):
    held = {
        "dir/ä b?.md": Document("dir/ä b?.md", HOSTILE, title=HOSTILE),
        "a.md": Document("a.md", "The valve opens at 12 bar."),
    }
    source.runtimes["r1"].searcher.catalog = SimpleNamespace(
        document=held.get,
        live_chunks=lambda ids: (
            SimpleNamespace(chunk=Chunk(one, 0, held[one].text, 0, len(held[one].text))) for one in ids if one in held
        ),
    )
    return held


def test_the_page_runs_nothing_whatever_the_document_says(url, documents):
    found = httpx.get(f"{url}/documents/dir/%C3%A4%20b%3F.md")
    assert found.status_code == 200
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    policy = found.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in found.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;quoted&quot; {{ x }} ?" in found.text


def test_a_document_that_is_not_there(url, documents):
    found = httpx.get(f"{url}/documents/b.md")
    assert (found.status_code, found.json()["error"]["code"]) == (404, "document_not_found")


def test_a_citation_opens_its_document(client, source, url, documents):
    documents["d1.md"] = Document("d1.md", "r1: the valve opens at 12 bar.")
    completion = client.chat.completions.create(model="lockstep", messages=[{"role": "user", "content": "How high?"}])
    (annotation,) = completion.choices[0].message.annotations
    address, _, chunk = annotation.url_citation.url.partition("#")
    found = httpx.get(address)
    assert f'<span id="{chunk}">r1: the valve opens at 12 bar.</span>' in found.text


def test_a_search_shows_passages_and_where_to_read_them(url, source):
    found = httpx.post(f"{url}/v1/lockstep/search", json={"question": "How high?", "top_k": 1}).json()
    assert (found["question"], found["release"], len(found["passages"])) == ("How high?", "r1", 1)
    passage = found["passages"][0]
    assert (passage["chunk_id"], passage["title"], passage["rank"]) == ("d1.md#0", "Manual 1 > Data", 1)
    assert passage["url"] == f"{url}/documents/d1.md#0"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"question": " "}, "question"),
        ({}, "question"),
        ({"question": "a", "top_k": 0}, "top_k"),
        ({"question": "a", "k": 3}, "k"),
        ({"question": "a", "filter": {"type": "like"}}, None),
    ],
)
def test_a_search_that_cannot_be_made_is_refused(url, body, param):
    found = httpx.post(f"{url}/v1/lockstep/search", json=body)
    assert (found.status_code, found.json()["error"]["param"]) == (400, param)
