"""Which names the service answers to, and which pages may call it.

A page from elsewhere can make a browser send requests here: under its own name, once that name resolves to
this machine (DNS rebinding: the Host header tells), or across origins (the Origin header tells).
"""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.problems import problem_json

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Hosts:
    """Refuses requests for another host, or from a page of an origin that is not allowed.

    Args:
        hosts: the names to answer to, without ports; None answers to any.
        origins: of pages elsewhere that may call, such as ``https://chat.example.org``; ``*`` allows all.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str] | None, origins: Sequence[str]) -> None:
        self.app = app
        self.hosts = None if hosts is None else {name.lower() for name in hosts}
        self.origins = {origin.lower().rstrip("/") for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
            return
        message, code = refusal
        body = problem_json(message, status=403, param=None, code=code)
        await JSONResponse(body, 403, {"connection": "close"})(scope, receive, send)

    def _refusal(self, headers: Headers) -> tuple[str, str] | None:
        host = headers.get("host", "").lower()
        if self.hosts is not None and host_name(host) not in self.hosts:
            return (
                "found another name in the header Host than this service has, expected one of its own: "
                "name it in hosts under [service]",
                "host_not_allowed",
            )
        origin = headers.get("origin")
        if origin is None or "*" in self.origins or origin.lower() in self.origins:
            return None
        if host and origin.lower() in (f"http://{host}", f"https://{host}"):
            return None
        return (
            "found a page of an origin that is not allowed, expected one of those in origins under [service]: "
            "add it there",
            "origin_not_allowed",
        )


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
