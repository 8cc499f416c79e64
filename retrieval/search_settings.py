"""How a release searches; every value is chosen on validation questions and kept in the release."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

BEFORE = {"fusion": "rrf"}
"""What settings meant that a release or a run kept before there was this key."""


class SearchSettings(BaseModel):
    """The retrieval settings of a release."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["hybrid", "dense", "sparse"] = "hybrid"
    fusion: Literal["rrf", "score"] = "score"
    """How a hybrid search joins its branches: by reciprocal ranks, or by a weighted sum of normalised scores."""
    dense_weight: float = Field(default=1.0, ge=0)
    sparse_weight: float = Field(default=1.0, ge=0)
    rrf_k: int = Field(default=60, ge=1)
    """Constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009); a sum of scores has none."""
    candidates: int = Field(default=100, ge=1, le=1000)
    """How many chunks each branch brings to the fusion."""
    top_k: int = Field(default=10, ge=1, le=100)
    per_document: int | None = Field(default=None, ge=1)
    """At most so many passages of one document; None for no cap."""
    abstain_below: float = Field(default=-1.0, ge=-1, le=1)
    """The service abstains without generating where the best passage's cosine is below this."""
    reranker: str | None = None
    """Path or hub id of a sentence-transformers cross-encoder that reorders the best candidates. Retraining can make
    one, see reranker_enabled under [training]."""
    reranker_revision: str | None = None
    """Commit of its hub id; required for a hub id."""
    reranked: int | None = Field(default=None, ge=1, le=1000)
    """How many of the best candidates it reads, each of which takes time; the others stay behind them. Not set takes
    all candidates."""
