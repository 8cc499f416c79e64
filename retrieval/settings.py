"""The sections of ``lockstep.toml`` that concern retrieval."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class EmbedderSettings(BaseModel):
    """Which embedder the first release starts from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "packaged"
    """``packaged`` (all-MiniLM-L6-v2, works offline), a directory, or a hub id."""
    revision: str | None = None
    """Commit of the hub id; required for a hub id, so that a model cannot change under a release."""


class IndexSettings(BaseModel):
    """Which vector database holds the index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Literal["edge", "server"] = "edge"
    url: str | None = None
    """Address of a Qdrant server; the environment's ``QDRANT_URL`` counts where this is not set."""
    api_key: SecretStr | None = None
    prefix: str = "lockstep"
    """Put before the names of collections and of the alias on a shared server."""


class ChunkingSettings(BaseModel):
    """How documents are cut; sizes in tokens of the embedder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_tokens: int = Field(default=128, ge=16)
    overlap: int = Field(default=0, ge=0)
