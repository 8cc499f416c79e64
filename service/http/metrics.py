"""``GET /metrics``: what the service has done, in Prometheus' text format."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from service.http.answers import text

router = APIRouter()
_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Metrics:
    """The counts of one application. Labels have few values, whatever clients send."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "lockstep_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "lockstep_request_seconds",
            "Time to the end of an answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter("lockstep_tokens", "Tokens read and written.", ("kind",), registry=self.registry)

    def count(self, method: str, route: str, status: int, seconds: float, read: int, written: int) -> None:
        """Count a request that has ended; a status of 0 is a client that left before its answer began."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        self._tokens.labels("prompt").inc(read)
        self._tokens.labels("completion").inc(written)

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a number as it is whenever somebody looks."""
        Gauge(name, text, registry=self.registry).set_function(value)


@router.get("/metrics", response_class=Response, responses=text("text/plain", "The counts."))
async def metrics(request: Request) -> Response:
    """The counts."""
    registry = request.app.state.metrics.registry
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})
