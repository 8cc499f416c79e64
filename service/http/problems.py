"""Errors as OpenAI's clients expect them.

``{"error": {"message", "type", "param", "code"}}``, whatever went wrong: a route's own refusal, a
``LockstepError``, a body that does not fit, an unknown path, a bug.
"""

import logging
import re
import traceback
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from retrieval.errors import LockstepError
from service.admission import Overloaded
from service.http.shared import Gone

logger = logging.getLogger("lockstep.http")

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Problem(Exception):
    """A request that is refused, in OpenAI's words.

    Args:
        param: the field of the request at fault, such as ``messages[0].content``.
        code: OpenAI's code where it has one for the case.
    """

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = "invalid_value"
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.param, self.code = message, status, param, code


def problem_json(message: str, *, status: int, param: str | None, code: str | None) -> dict[str, Any]:
    """The body of an error."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def known_problem(error: Problem | LockstepError) -> tuple[int, dict[str, Any]]:
    """Status and body of an error that has words for the client."""
    if isinstance(error, Problem):
        return error.status, problem_json(error.message, status=error.status, param=error.param, code=error.code)
    status = error.http_status
    return status, problem_json(str(error), status=status, param=None, code=error.code)


def install(app: FastAPI) -> None:
    """Give an application this shape of errors.

    The log names routes, never paths: what they and the texts of strange errors hold is the clients'.
    """

    @app.exception_handler(Problem)
    async def refused(request: Request, error: Problem) -> JSONResponse:
        status, body = known_problem(error)
        return JSONResponse(body, status)

    @app.exception_handler(LockstepError)
    async def known(request: Request, error: LockstepError) -> JSONResponse:
        status, body = known_problem(error)
        if status >= 500:
            logger.error("%s %s: %s", request.method, route_of(request.scope), error)
        # "Busy" passes: the client may come again. The other conflicts do not.
        passes = error.code in ("busy", "storage", "unavailable") or isinstance(error, Overloaded)
        headers = {"retry-after": str(getattr(error, "retry_after", 1))} if passes else None
        return JSONResponse(body, status, headers)

    @app.exception_handler(Gone)
    async def gone(request: Request, error: Gone) -> Response:
        return Response(status_code=499)  # nobody is there to read it

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        message, param, code = _validation(error)
        return JSONResponse(problem_json(message, status=400, param=param, code=code), 400)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if request.method == "OPTIONS" and error.status_code == 405:
            return Response(status_code=204, headers=error.headers)  # with `allow`
        message, code = _http(request, error, app)
        body = problem_json(message, status=error.status_code, param=None, code=code)
        return JSONResponse(body, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        return internal_error(request.scope, error)


def internal_error(scope: Scope, error: Exception) -> JSONResponse:
    """The answer to a request that met a bug, which is written down."""
    request_id = scope["state"]["request_id"]
    logger.error("%s %s failed (request %s): %s", scope["method"], route_of(scope), request_id, _trace(error))
    message = f"an internal error; the service's log has it under request {request_id}"
    return JSONResponse(problem_json(message, status=500, param=None, code="internal"), 500)


def route_of(scope: Scope) -> str:
    """The route of a request, such as ``/documents/{document}``."""
    return str(getattr(scope.get("route"), "path", None) or "(none)")


def _trace(error: BaseException | None) -> str:
    """Where an error and its causes come from, without their texts, which may quote what was asked."""
    told = []
    while error is not None:
        told.append(f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}")
        error = error.__cause__ or error.__context__
    return "because of ".join(told).rstrip()


class BodyLimit:
    """Refuses bodies that are declared too large.

    The framework's own limit, which counts the bytes of bodies that declare nothing, would answer
    in plain text here.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app, self.max_body_bytes = app, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        declared = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if declared.isdigit() and int(declared) > self.max_body_bytes:
            body = problem_json(_too_large(self.max_body_bytes), status=413, param=None, code="body_too_large")
            # The connection is closed: what is left of the body must not be read as another request.
            await JSONResponse(body, 413, {"connection": "close"})(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _too_large(limit: int) -> str:
    return f"found a body of more than {limit} bytes, expected at most that: send a smaller one"


def _validation(error: RequestValidationError) -> tuple[str, str | None, str]:
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        reason = fault.get("ctx", {}).get("error", "not JSON")
        return f"found a body that is not JSON ({reason}), expected a JSON object", None, "invalid_json"
    if isinstance(fault.get("input"), bytes):
        message = "found a body that is not declared as JSON, expected the header `content-type: application/json`"
        return message, None, "invalid_content_type"
    param = _param(fault["loc"])
    kind: str = fault["type"]
    if kind == "missing":
        named = f"`{param}`" if param else "the body"
        return f"found no {named}, expected it: it is required", param, "missing_required_parameter"
    if kind == "extra_forbidden":
        return f"found unknown parameter `{param}`, expected none such: leave it out", param, "unknown_parameter"
    reason = str(fault["msg"]).removeprefix("Value error, ")
    shown = _shown(fault.get("input"), word=kind == "literal_error")
    return f"found {param or 'the body'} = {shown}: {reason[:1].lower()}{reason[1:]}", param, "invalid_value"


def _param(location: tuple[Any, ...]) -> str | None:
    """``("body", "messages", 0, "content", "str")`` as ``messages[0].content``."""
    text = ""
    for part in location[1:] if location[:1] in (("body",), ("query",), ("path",)) else location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[a-z_][a-z0-9_]{0,63}", str(part)) and str(part) not in ("str", "int", "float", "bool"):
            text += f".{part}" if text else str(part)
    return text or None


def _shown(value: Any, *, word: bool) -> str:
    """A number as it is and the kind of anything else: texts are people's own, and errors get written down."""
    if value is None or isinstance(value, bool | int | float) or (word and isinstance(value, str) and len(value) <= 32):
        return repr(value)[:32]
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else type(value).__name__


def _http(request: Request, error: HTTPException, app: FastAPI) -> tuple[str, str]:
    path = request.url.path
    messages: Mapping[int, tuple[str, str]] = {
        404: (f"found no route {request.method} {path}, expected one of those in /openapi.json", "unknown_url"),
        405: (
            f"found method {request.method} for {path}, expected {(error.headers or {}).get('Allow', 'another')}",
            "method_not_allowed",
        ),
        413: (_too_large(app.max_body_size or 0), "body_too_large"),
    }
    return messages.get(error.status_code, (str(error.detail), "http_error"))
