"""The sections of ``lockstep.toml`` that concern retrieval."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


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
    languages: tuple[str, ...] | None = None
    """ISO 639 codes of the documents' languages for the search by words, say ["de", "en"]; by default they are
    detected. Each chunk is encoded in one of them, questions in all."""

    @field_validator("languages")
    @classmethod
    def _known(cls, languages: tuple[str, ...] | None) -> tuple[str, ...] | None:
        from retrieval.languages import KNOWN

        for code in languages or ():
            if code not in KNOWN:
                raise ValueError(f"found {code!r}, expected codes such as en, de, zh (ISO 639)")
        if languages is not None and (not languages or len(set(languages)) < len(languages)):
            raise ValueError("expected at least one language, each once; leave the key out to have them detected")
        return languages


class IngestSettings(BaseModel):
    """How files are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: str | None = None
    """Of text files that are not Unicode and do not say their encoding, such as "windows-1251"; by default it is
    guessed for each. Another one has every file read again at the next ingest."""

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str | None) -> str | None:
        from retrieval.parsing.encoding import declared_encoding

        codec = None if encoding is None else declared_encoding(encoding, b"")
        if encoding is not None and codec is None:
            raise ValueError(
                "expected a name such as windows-1251, koi8-r or shift_jis; Unicode is told without being named"
            )
        return codec


class ChunkingSettings(BaseModel):
    """How documents are cut; sizes in tokens of the embedder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_tokens: int = Field(default=128, ge=16)
    overlap: int = Field(default=0, ge=0)
