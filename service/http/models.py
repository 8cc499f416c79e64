"""``GET /v1/models``: what a client may ask for, and which release answers to which name."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from service.http.answers import Model, Models, described
from service.http.problems import Problem
from service.http.shared import live_of

if TYPE_CHECKING:
    from training.releases.runtime import Runtime

router = APIRouter()

ALIAS = "lockstep"
"""Answers from the documents, by whichever release is active."""
TASK = f"{ALIAS}:"
"""Begins the name of what does a task with the last message instead of answering it, as lockstep:sentiment."""
BASE = "lockstep-base"
"""The generator of that release without retrieval."""
EMBEDDER = "lockstep-embedder"
"""The embedder of that release."""


@router.get("/v1/models", response_model=None, responses=described(Models))
async def list_models(request: Request) -> Models:
    """The models, the one that answers from the documents first."""
    with live_of(request).use() as runtime:
        return {"object": "list", "data": [_model(name, runtime) for name in _names(runtime)]}


@router.get("/v1/models/{model:path}", response_model=None, responses=described(Model))
async def retrieve_model(request: Request, model: str) -> Model:
    """One model."""
    with live_of(request).use() as runtime:
        check_model(model, runtime, _names(runtime))
        return _model(model, runtime)


def check_chat_model(model: str, runtime: "Runtime") -> None:
    """Refuse a model that does not chat.

    Raises:
        Problem: 404, as OpenAI's clients expect it.
    """
    check_model(model, runtime, (ALIAS, runtime.release.id, *_tasks(runtime), BASE))


def task_of(model: str) -> str | None:
    """The task that a model's name asks for."""
    return model.partition(TASK)[2] if model.startswith(TASK) else None


def check_embeddings_model(model: str, runtime: "Runtime") -> None:
    """Refuse a model that does not embed: the generator without retrieval, or another release.

    Raises:
        Problem: 404, as OpenAI's clients expect it.
    """
    check_model(model, runtime, (EMBEDDER, ALIAS, runtime.release.id))


def check_model(model: str, runtime: "Runtime", known: tuple[str, ...]) -> None:
    """Refuse a model that is none of those known.

    Raises:
        Problem: 404, as OpenAI's clients expect it.
    """
    if model not in known:
        named = ", ".join(map(repr, known))
        raise Problem(
            f"found model {model!r}, expected one of: {named} ({runtime.release.id} is the release that is active)",
            status=404,
            param="model",
            code="model_not_found",
        )


def _names(runtime: "Runtime") -> tuple[str, ...]:
    return ALIAS, runtime.release.id, *_tasks(runtime), BASE, EMBEDDER


def _tasks(runtime: "Runtime") -> tuple[str, ...]:
    return tuple(f"{TASK}{name}" for name in runtime.answerer.tasks)


def _model(name: str, runtime: "Runtime") -> Model:
    created = int(runtime.release.manifest.created_at.timestamp())
    return {"id": name, "object": "model", "created": created, "owned_by": "lockstep"}
