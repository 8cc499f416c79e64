"""A model of the trainings' own, with a context short enough to be overrun."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model_path(build_generator: Callable[[int], Path]) -> Path:
    """The tiny generator with a context of 256 tokens, in a directory of its own."""
    return build_generator(256)
