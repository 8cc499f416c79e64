"""What routes have in common."""

from typing import TYPE_CHECKING

from fastapi import Request

from service.http.problems import Problem
from service.live import Live

if TYPE_CHECKING:
    from training.releases.runtime import Runtime

ALIAS = "lockstep"
"""The model's name that means whichever release is active."""


def live_of(request: Request) -> Live:
    """The application's live release."""
    live: Live = request.app.state.live
    return live


def check_model(model: str, runtime: "Runtime") -> None:
    """Refuse a model that is neither the alias nor the release that answers.

    Raises:
        Problem: 404, as OpenAI's clients expect it.
    """
    if model not in (ALIAS, runtime.release.id):
        raise Problem(
            f"found model {model!r}, expected {ALIAS!r} or {runtime.release.id!r}, the release that is active",
            status=404,
            param="model",
            code="model_not_found",
        )
