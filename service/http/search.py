"""``POST /v1/lockstep/search``: the passages that the active release finds for a question."""

from typing import Any

from fastapi import APIRouter, Request

from retrieval.conditions import parse_condition
from service.http.documents import document_url
from service.http.facts import passages_json
from service.http.frame import told_of
from service.http.problems import Problem
from service.http.schemas import SearchRequest
from service.http.shared import live_of, read

router = APIRouter()


@router.post("/v1/lockstep/search")
async def search(request: Request, body: SearchRequest) -> dict[str, Any]:
    """Search."""
    if not body.question.strip():
        raise Problem("found an empty question, expected text", param="question")
    condition = None if body.filter is None else parse_condition(body.filter)
    with live_of(request).use() as runtime:
        told = told_of(request)
        told.release, told.question = runtime.release.id, body.question
        searcher = runtime.searcher
        found = await read(request, lambda: searcher.search(body.question, top_k=body.top_k, condition=condition))
        return {
            "object": "lockstep.search",
            "question": body.question,
            "release": runtime.release.id,
            "passages": passages_json(found, lambda chunk: document_url(request, chunk)),
        }
