"""``GET /documents/{id}#chunk``: a document as plain text, opened at the passage that an answer cites.

The page is made of escaped text; it runs no script, loads nothing and sends nothing.
"""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import Response

from retrieval.documents import Chunk, Document
from service.http.access import signed
from service.http.answers import text
from service.http.problems import Problem
from service.http.shared import live_of

if TYPE_CHECKING:
    from retrieval.catalog import Catalog

router = APIRouter()
ROUTE = "/documents"
_STYLE = (
    "body{font:1rem/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;"
    "background:#fff}main{white-space:pre-wrap;overflow-wrap:anywhere}p{color:#666}:target{background:#fff1a8;"
    "scroll-margin-top:4rem}@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}p{color:#999}"
    ":target{background:#5c4d00}}"
)
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@router.get("/documents/{document:path}", response_class=Response, responses=text("text/html", "The page."))
async def show_document(request: Request, document: str) -> Response:
    """The document's text, each of its chunks under its number."""
    with live_of(request).use() as runtime:
        shown = await anyio.to_thread.run_sync(_shown, runtime.searcher.catalog, document)
    if shown is None:
        raise Problem("found no such document, expected one that is indexed", status=404, code="document_not_found")
    return Response(shown, headers=_HEADERS)


def document_url(request: Request, chunk_id: str) -> str:
    """Where a browser finds a chunk; with a signature where the service asks for keys, which no browser sends."""
    document, _, ordinal = chunk_id.rpartition("#")
    path, state = f"{ROUTE}/{document}", request.app.state
    base = (state.public_url or str(request.base_url)).rstrip("/")
    query = signed(state.keys.link_secret(), path) if state.keys is not None else ""
    return f"{base}{quote(path, errors='replace')}{query}#{quote(ordinal)}"


def page(document: Document, chunks: Sequence[Chunk]) -> str:
    """The document as HTML; what two chunks share is shown once, with the second."""
    title = escape(document.title or document.id)
    parts, shown = [], 0
    following = [*(chunk.start for chunk in chunks), len(document.text)][1:]
    for chunk, next_start in zip(chunks, following, strict=False):
        end = min(chunk.end, next_start)
        parts.append(escape(document.text[shown : chunk.start]))
        parts.append(f'<span id="{chunk.ordinal}">{escape(document.text[chunk.start : end])}</span>')
        shown = end
    parts.append(escape(document.text[shown:]))
    return (
        '<!doctype html><html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><p>{escape(document.id)}</p><main>{''.join(parts)}</main></body></html>"
    )


def _shown(catalog: "Catalog", document: str) -> bytes | None:
    """A document's page in UTF-8; None where there is no such document."""
    chunks = [stored.chunk for stored in catalog.live_chunks([document])]
    if (found := catalog.document(document)) is None:
        return None
    return page(found, sorted(chunks, key=lambda chunk: chunk.ordinal)).encode("utf-8", "replace")
