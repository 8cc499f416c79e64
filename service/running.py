"""A running service of a workspace: how it makes itself known, and how other commands find it."""

import json
import os
import shlex
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from retrieval.errors import Busy, LockstepError, Unavailable
from retrieval.files import publish_json
from retrieval.workspace import Workspace


@dataclass(frozen=True)
class RunningService:
    """Where a service answers, and which process it is."""

    url: str
    pid: int
    key: str = field(default="", repr=False)
    """What commands of this machine present to it; only its owner can read it."""


def base_url(host: str, port: int) -> str:
    """The address by which this machine reaches a service bound to ``host``."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


@contextmanager
def announced(workspace: Workspace, url: str, key: str = "") -> Iterator[None]:
    """Keep the service's address in the workspace while the body runs, with what its own commands present."""
    publish_json(workspace.service, {"url": url, "pid": os.getpid(), "key": key}, mode=0o600)
    try:
        yield
    finally:
        # Another service may have taken over the file after this one was thought dead.
        if (found := _announcement(workspace)) is not None and found.pid == os.getpid():
            workspace.service.unlink(missing_ok=True)


def running_service(workspace: Workspace, *, timeout: float = 2.0) -> RunningService | None:
    """The service that runs on a workspace; None where none answers."""
    found = _announcement(workspace)
    if found is None or not _is_alive(found.pid):
        return None
    return found if _is_answering(found.url, timeout) else None


class Refusal(LockstepError):
    """What a running service answered instead, in its words."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def ask(service: RunningService, path: str, body: Mapping[str, Any], *, timeout: float = 300.0) -> dict[str, Any]:
    """What a service answers to a request of this machine's own.

    Raises:
        Refusal: it does not answer it.
        Unavailable: it went away, or says nothing.
    """
    request = urllib.request.Request(
        f"{service.url}{path}",
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {service.key}"},
    )
    try:
        with _opener().open(request, timeout=timeout) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        with error:
            told = _told(error.read())
        message = (
            told.get("message") or f"found the service at {service.url} answering {error.code}, expected an answer"
        )
        raise Refusal(message, told.get("code") or "failed") from None
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"found the service at {service.url} (pid {service.pid}) gone or silent ({error}), expected an answer: "
            "run the command again"
        ) from error


def _told(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):  # a proxy's page, say
        return {}


def offer(workspace: Workspace, question: str, busy: Busy) -> Busy:
    """The error for a command that found the index held: names the running service and how to ask it."""
    service = running_service(workspace)
    if service is None:
        return busy
    body = json.dumps({"model": "lockstep", "messages": [{"role": "user", "content": question}]}, ensure_ascii=False)
    return Busy(
        f"found the index held by the service at {service.url} (pid {service.pid}), expected it free: ask the service: "
        f"curl -s {service.url}/v1/chat/completions -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    )


def _announcement(workspace: Workspace) -> RunningService | None:
    try:
        content = json.loads(workspace.service.read_bytes())
        return RunningService(str(content["url"]), int(content["pid"]), str(content.get("key", "")))
    except (OSError, ValueError, KeyError, TypeError):  # none, or one that a stranger wrote
        return None


def _is_answering(url: str, timeout: float) -> bool:
    try:
        with _opener().open(f"{url}/livez", timeout=timeout) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _opener() -> urllib.request.OpenerDirector:
    # No proxy: the address is this machine's own.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
