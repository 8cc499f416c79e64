"""``POST /v1/lockstep/search``: the passages that the active release finds for a question."""

from fastapi import APIRouter, Request

from retrieval.conditions import parse_condition
from service.http.answers import Found, Passage, described
from service.http.documents import document_url
from service.http.facts import passages_json
from service.http.frame import told_of
from service.http.schemas import SearchRequest
from service.http.shared import live_of, read

router = APIRouter()


@router.post("/v1/lockstep/search", response_model=None, responses=described(Found))
async def search(request: Request, body: SearchRequest) -> Found:
    """Search."""
    condition = None if body.filter is None else parse_condition(body.filter)
    with live_of(request).use() as runtime:
        told = told_of(request)
        told.release, told.question = runtime.release.id, body.question
        searcher = runtime.searcher

        def passages() -> list[Passage]:
            found = searcher.search(body.question, top_k=body.top_k, condition=condition)
            return passages_json(found, lambda chunk: document_url(request, chunk))

        return {
            "object": "lockstep.search",
            "question": body.question,
            "release": runtime.release.id,
            "passages": await read(request, passages),
        }
