"""Around the whole application: an id on every response, one line in the log and one count for each request.

A line names the route, never a path, a query or a body: what people ask is theirs.
"""

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.metrics import Metrics
from service.http.problems import internal_error, problem_json, route_of

logger = logging.getLogger("lockstep.access")

REQUEST_ID = "x-request-id"
_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass
class Told:
    """What a route tells of its request, for the log and the metrics."""

    release: str = ""
    question: str = ""
    tokens: Callable[[], tuple[int, int]] = lambda: (0, 0)
    """Read and written; asked at the end."""


def told_of(connection: HTTPConnection) -> Told:
    """Where a route tells."""
    told: Told = connection.scope["state"]["told"]
    return told


class Frame:
    """The outermost middleware.

    Args:
        log_questions: also write down what was asked.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, *, log_questions: bool = False) -> None:
        self.app, self.metrics, self.log_questions = app, metrics, log_questions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _USABLE_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        told = Told()
        scope.setdefault("state", {}).update(request_id=request_id, told=told)
        began, status, finished = time.perf_counter(), 0, False

        async def send_with_id(message: Message) -> None:
            nonlocal status, finished
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            finished = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except asyncio.CancelledError:  # the service stops, and has waited long enough
            if not status:
                body = problem_json("the service stops; try again", status=503, param=None, code="unavailable")
                await JSONResponse(body, 503, {"retry-after": "1"})(scope, receive, send_with_id)
        except Exception as error:
            if not finished:  # else it was answered and logged already, see `problems.bug`
                answer = internal_error(scope, error)
                if not status:
                    await answer(scope, receive, send_with_id)
        finally:
            self._account(scope, told, status, time.perf_counter() - began, request_id, whole=finished)

    def _account(self, scope: Scope, told: Told, status: int, seconds: float, request_id: str, *, whole: bool) -> None:
        route = route_of(scope)
        read, written = told.tokens()
        self.metrics.count(scope["method"], route, status, seconds, read, written)
        question = f" question {json.dumps(told.question, ensure_ascii=False)}" if self.log_questions else ""
        logger.info(
            "%s %s %d%s %.3f s release %s tokens %d+%d request %s%s",
            scope["method"] if scope["method"].isalpha() else "?",
            route,
            status,
            "" if whole else " (cut off)",
            seconds,
            told.release or "-",
            read,
            written,
            request_id,
            question if told.question else "",
        )
