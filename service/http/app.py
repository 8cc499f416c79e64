"""The HTTP application over a live release. Loads nothing and owns nothing: ``server`` does."""

from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.admission import Admission
from service.http import chat, embeddings, health, models
from service.http.problems import Frame, install
from service.http.shared import Rooms
from service.live import Live


def create_app(live: Live, *, max_body_bytes: int, max_wait_seconds: float = 30.0) -> FastAPI:
    """The application.

    Args:
        live: started already, or soon; until then requests are answered with 503.
        max_body_bytes: larger bodies are refused with 413.
        max_wait_seconds: requests that would take longer are refused with 429.
    """
    app = _Application(
        title="Lockstep",
        version=_version(),
        max_body_size=max_body_bytes,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.live = live
    app.state.rooms = Rooms(Admission(max_wait_seconds, "answers"), Admission(max_wait_seconds, "searches"))
    install(app)
    for family in (health, models, chat, embeddings):
        app.include_router(family.router)
    return app


class _Application(FastAPI):
    """Puts the frame around everything, the framework's own middleware included."""

    def build_middleware_stack(self) -> ASGIApp:
        """The application from the outside in."""
        return Frame(super().build_middleware_stack(), self.max_body_size or 0)


def _version() -> str:
    try:
        return version("lockstep")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
