"""``lockstep serve``: loads the active release, listens, announces itself, and ends in good order."""

import contextlib
import errno
import ipaddress
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from urllib.parse import urlsplit

import uvicorn

from retrieval.catalog import Catalog
from retrieval.errors import Busy, ConfigurationError
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from service.http.app import Doors, create_app
from service.http.hosts import LOOPBACK
from service.keys import Keys
from service.live import Live, WorkspaceSource
from service.running import announced, base_url, running_service
from service.settings import ServiceSettings
from training.releases.ledger import Ledger
from training.releases.promotion import settle

TURN_SECONDS = 0.0005
"""How long a thread that generates may keep the interpreter while the event loop waits for it; Python's own 5 ms add up
over the several turns that an answer to ``/livez`` takes."""


def serve(
    workspace: Workspace,
    catalog: Catalog,
    ledger: Ledger,
    index: IndexSettings,
    settings: ServiceSettings,
    *,
    started: Callable[[str, str], None] = lambda url, release: None,
) -> None:
    """Answer requests until the process is told to stop (SIGINT, SIGTERM).

    Args:
        started: called with the address and the release once requests are answered.

    Raises:
        ConfigurationError: the address cannot be bound.
        NotFound: there is no release yet.
        Busy: another process holds the index.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_terminate_as_interrupt())
        stack.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(TURN_SECONDS)
        doors = _doors(workspace, settings)
        # First the address: a second service on it is refused before anything is loaded.
        listening = stack.enter_context(_bind(settings.host, settings.port))
        url = base_url(settings.host, listening.getsockname()[1])
        settle(workspace, ledger, index)
        live = Live(WorkspaceSource(workspace, catalog, ledger, index), poll_seconds=settings.poll_seconds)
        stack.callback(live.close)
        try:
            live.start()
        except Busy as error:
            if (other := running_service(workspace)) is None:
                raise
            raise Busy(
                f"found the service at {other.url} (pid {other.pid}) on this workspace already, expected none: use it, "
                "or stop it first"
            ) from error
        app = create_app(
            live,
            max_body_bytes=settings.max_body_bytes,
            max_wait_seconds=settings.max_wait_seconds,
            doors=doors,
            public_url=settings.public_url,
            log_questions=settings.log_questions,
        )
        server = _Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=settings.shutdown_seconds,
            ),
            lambda: started(url, live.status().release or ""),
        )
        stack.enter_context(announced(workspace, url, doors.own))
        # uvicorn ends in good order at either signal, and then raises it again.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


def _doors(workspace: Workspace, settings: ServiceSettings) -> Doors:
    """Who gets in.

    Raises:
        ConfigurationError: others could reach the service, and there is no key.
    """
    keys = Keys(workspace.keys)
    beyond = not _is_loopback(settings.host)
    if beyond and not keys.all():
        raise ConfigurationError(
            f"found host {settings.host!r}, which others can reach, and no key, expected at least one: run "
            "`lockstep keys create`, or listen on 127.0.0.1"
        )
    named = [*settings.hosts, *([urlsplit(settings.public_url).hostname or ""] if settings.public_url else [])]
    # Beyond this machine nobody knows all of its names; there the keys keep strange pages out.
    hosts = None if beyond and not settings.hosts else [*LOOPBACK, settings.host, *named]
    return Doors(hosts, settings.origins, keys, required=beyond, own=secrets.token_urlsafe(32))


def _is_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return True  # binding it fails, and says so
    return all(ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_loopback for address in found)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()


@contextlib.contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM unwind the stack as SIGINT does; by default it ends the process where it stands."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Opened anew from its number, it knows that it speaks TCP. One that does not gets no TCP_NODELAY of
        # asyncio, and each answer after a connection's first waits 40 ms for the client's acknowledgement.
        return socket.socket(fileno=socket.create_server((host, port), family=family).detach())
    except socket.gaierror as error:
        raise ConfigurationError(
            f"found host {host!r} ({error.strerror}), expected an address of this machine: choose another with --host"
        ) from error
    except OSError as error:
        advice = {
            errno.EADDRINUSE: "another program listens there; choose another with --port (0 takes a free one)",
            errno.EACCES: "ports below 1024 need privileges; choose another with --port",
            errno.EADDRNOTAVAIL: "it is no address of this machine; choose another with --host",
        }.get(error.errno or 0, "choose another with --host and --port")
        raise ConfigurationError(f"cannot listen on {host}:{port} ({error.strerror}): {advice}") from error
