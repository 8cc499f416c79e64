"""What several tests of retrieval share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retrieval.catalog import Catalog
from retrieval.index.edge import open_edge
from tests.retrieval.system import System


@pytest.fixture
def system(tmp_path: Path, catalog: Catalog, words: Any) -> Iterator[System]:
    index = open_edge(tmp_path / "index", embedder=words.fingerprint, dimension=words.dimension, create=True)
    yield System(catalog, index, words)
    index.close()
