"""The HTTP application over a live release. Loads nothing and owns nothing: ``server`` does."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from service.admission import Admission
from service.http import chat, documents, embeddings, health, metrics, models, search
from service.http.access import Access
from service.http.answers import REFUSALS
from service.http.frame import REQUEST_ID, Frame
from service.http.hosts import LOOPBACK, Hosts
from service.http.metrics import Metrics
from service.http.problems import BodyLimit, install
from service.http.shared import Rooms
from service.keys import Keys
from service.live import Live


@dataclass(frozen=True)
class Doors:
    """Who gets in."""

    hosts: Sequence[str] | None = LOOPBACK
    """Names that the service answers to, without ports; None answers to any."""
    origins: Sequence[str] = ()
    """Pages elsewhere that may call."""
    keys: Keys | None = None
    """Whoever has none of them is refused, once there is one; None asks nobody for a key."""
    required: bool = False
    """Ask for a key even while there is none."""
    own: str = ""
    """What other commands of this machine present instead of a key."""


def create_app(
    live: Live,
    *,
    max_body_bytes: int,
    max_wait_seconds: float = 30.0,
    doors: Doors | None = None,
    public_url: str | None = None,
    log_questions: bool = False,
) -> FastAPI:
    """The application.

    Args:
        live: started already, or soon; until then requests are answered with 503.
        max_body_bytes: larger bodies are refused with 413.
        max_wait_seconds: requests that would take longer are refused with 429.
        doors: who gets in; by default whoever calls this machine by one of its own names.
        public_url: where clients reach the service; None takes it from each request.
        log_questions: write down what was asked.
    """
    counts = Metrics()
    app = _Application(
        title="Lockstep",
        version=_version(),
        max_body_size=max_body_bytes,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
    )
    app.doors, app.counts, app.log_questions = doors or Doors(), counts, log_questions
    rooms = Rooms(Admission(max_wait_seconds, "answers"), Admission(max_wait_seconds, "searches"))
    counts.gauge("lockstep_answers_waiting", "Answers waiting or in progress.", lambda: rooms.answers.inside)
    counts.gauge("lockstep_searches_waiting", "Searches waiting or in progress.", lambda: rooms.reading.inside)
    app.state.live, app.state.rooms, app.state.metrics = live, rooms, counts
    app.state.keys, app.state.public_url = app.doors.keys, public_url
    install(app)
    app.include_router(health.router)
    for family in (metrics, models, chat, embeddings, search, documents):
        app.include_router(family.router, responses=REFUSALS, dependencies=[Security(_KEY)])
    return app


_KEY = HTTPBearer(auto_error=False, scheme_name="key", description="A key, where the service asks for one.")
"""For /openapi.json alone: who gets in is decided before any route."""


class _Application(FastAPI):
    """Puts what surrounds it around everything, the framework's own middleware included."""

    doors: Doors
    counts: Metrics
    log_questions: bool

    def build_middleware_stack(self) -> ASGIApp:
        """The application from the inside out."""
        doors = self.doors
        app: ASGIApp = BodyLimit(super().build_middleware_stack(), self.max_body_size or 0)
        if doors.keys is not None:
            app = Access(app, doors.keys, required=doors.required, own=doors.own)
        if doors.origins:
            app = CORSMiddleware(
                app,
                allow_origins=doors.origins,
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["*"],
                expose_headers=[REQUEST_ID, "retry-after"],
            )
        return Frame(Hosts(app, doors.hosts, doors.origins), self.counts, log_questions=self.log_questions)


def _version() -> str:
    try:
        return version("lockstep")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
