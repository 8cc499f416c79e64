"""Who may call which route: a key in ``Authorization: Bearer``, with the scope that the route asks for.

A route that is not named here asks for ``admin``: a new one is closed until somebody decides.
"""

import hmac
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from retrieval.errors import LockstepError
from service.http.problems import problem_json
from service.keys import Keys

OPEN = ("/livez", "/readyz")
"""Asked by whoever starts and watches the service."""
CHAT = ("/v1/chat/completions", "/v1/embeddings", "/v1/models", "/v1/lockstep/search", "/documents", "/openapi.json")
LINK_SECONDS = 30 * 24 * 3600
"""How long the link of a citation opens its document without a key."""
_HASHING = 2
"""Keys checked at a time; each takes 16 MiB."""


class Access:
    """Refuses requests without a key that allows them.

    Args:
        keys: the workspace's.
        required: ask for a key even while there is none.
        own: what other commands of this machine present; it may do everything.
    """

    def __init__(self, app: ASGIApp, keys: Keys, *, required: bool, own: str) -> None:
        self.app, self.keys, self.required, self.own = app, keys, required, own
        self._hashing = CapacityLimiter(_HASHING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        try:
            refusal = await self._refusal(scope) if scope["type"] == "http" else None
        except LockstepError as error:
            refusal = error.http_status, str(error), error.code
        if refusal is None:
            await self.app(scope, receive, send)
            return
        status, message, code = refusal
        headers = {"www-authenticate": "Bearer"} if status == 401 else {}
        # The connection is closed: what is left of the body must not be read as another request.
        body = problem_json(message, status=status, param=None, code=code)
        await JSONResponse(body, status, headers | {"connection": "close"})(scope, receive, send)

    async def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        if scope["method"] == "OPTIONS" or _within(path, OPEN) or not (self.required or self.keys.all()):
            return None
        if _within(path, ("/documents",)) and opens(self.keys.link_secret(), path, query):
            return None
        kind, _, presented = Headers(scope=scope).get("authorization", "").partition(" ")
        presented = presented.strip()
        if kind.lower() != "bearer" or not presented:
            return 401, "found no key, expected one in the header `authorization: Bearer KEY`", "missing_api_key"
        if hmac.compare_digest(presented.encode(), self.own.encode()):
            return None
        key = await to_thread.run_sync(self.keys.check, presented, limiter=self._hashing)
        if key is None:
            return 401, "found a key that is not known, or was revoked: ask for another one", "invalid_api_key"
        wanted = "chat" if _within(path, CHAT) else "admin"
        if not key.allows(wanted):
            scopes = ", ".join(key.scopes)
            return 403, f"found a key with the scopes {scopes}, expected {wanted}: use another key", "missing_scope"
        return None


def signed(secret: bytes, path: str, clock: Callable[[], float] = time.time) -> str:
    """The query that opens a path without a key for a time; empty where no key is needed."""
    if not secret:
        return ""
    expires = str(int(clock()) + LINK_SECONDS)
    return f"?expires={expires}&signature={_signature(secret, path, expires)}"


def opens(secret: bytes, path: str, query: str, clock: Callable[[], float] = time.time) -> bool:
    """Whether a query is a signature of its path that holds."""
    given = parse_qs(query)
    expires, signature = given.get("expires", [""])[0], given.get("signature", [""])[0]
    if not secret or not (expires.isascii() and expires.isdigit()) or len(expires) > 12 or int(expires) < clock():
        return False
    return hmac.compare_digest(_signature(secret, path, expires).encode(), signature.encode())


def _signature(secret: bytes, path: str, expires: str) -> str:
    return hmac.new(secret, f"{expires} {path}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _within(path: str, routes: tuple[str, ...]) -> bool:
    return any(path == route or path.startswith(f"{route}/") for route in routes)
