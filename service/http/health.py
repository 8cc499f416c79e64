"""``GET /livez`` and ``GET /readyz``: for whoever restarts the service, and whoever sends it requests."""

from dataclasses import asdict

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from service.http.answers import Alive, Ready, described
from service.http.shared import live_of

router = APIRouter()


@router.get("/livez")
async def alive() -> Alive:
    """The process answers."""
    return {"status": "alive"}


@router.get(
    "/readyz", response_model=None, responses=described(Ready) | {503: {"description": "None does.", "model": Ready}}
)
async def ready(request: Request) -> JSONResponse:
    """Whether a release answers, and whether it is the one that should.

    200 also while another release cannot be loaded (``problem`` says why): the old one goes on
    answering, and taking the service out of rotation would help nobody.
    """
    status = await anyio.to_thread.run_sync(live_of(request).status)
    body = {"status": "ready" if status.release else "not_ready", **asdict(status)}
    return JSONResponse(body, 200 if status.release else 503)
