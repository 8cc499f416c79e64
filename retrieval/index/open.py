"""Opens the index that the settings name."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import ConfigurationError
from retrieval.index.base import Index
from retrieval.settings import IndexSettings

if TYPE_CHECKING:
    from qdrant_client import QdrantClient


def index_name(settings: IndexSettings, name: str) -> str:
    """The :attr:`Index.name` of the collection ``name``: on a shared server it carries the workspace's prefix."""
    return name if settings.backend == "edge" else f"{settings.prefix}-{name}"


def open_index(
    settings: IndexSettings, directory: Path, *, name: str, embedder: str, dimension: int, create: bool = True
) -> Index:
    """The collection ``name``, bound to an embedder.

    Args:
        directory: where an embedded collection lies (or will); its last part is ``name``.
        embedder: fingerprint of the embedder.

    Raises:
        Busy: another process holds the embedded collection.
        MismatchError: the collection belongs to another embedder.
        StorageError: the server does not answer.
    """
    if settings.backend == "edge":
        from retrieval.index.edge import open_edge

        return open_edge(directory, embedder=embedder, dimension=dimension, create=create, languages=settings.languages)
    from retrieval.index.server import open_server

    return open_server(
        _client(settings),
        index_name(settings, name),
        embedder=embedder,
        dimension=dimension,
        create=create,
        languages=settings.languages,
    )


def switch_alias(settings: IndexSettings, name: str) -> None:
    """Point the server's alias at the collection ``name``, for readers that do not go through Lockstep."""
    from retrieval.index.server import set_alias

    set_alias(_client(settings), f"{settings.prefix}-active", index_name(settings, name))


def _client(settings: IndexSettings) -> "QdrantClient":
    from retrieval.index.server import connect

    url = settings.url or os.environ.get("QDRANT_URL")
    if not url:
        raise ConfigurationError(
            'found backend "server" without an address, expected `url` in [index] of lockstep.toml, or QDRANT_URL'
        )
    return connect(url, settings.api_key.get_secret_value() if settings.api_key else None)
