"""Keeps the training libraries from talking past Lockstep: no progress bars, no warnings to one another."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Without transformers' progress bars, and without what peft makes transformers warn about.

    Standard error is for Lockstep's own progress. Imports transformers.
    """
    from transformers.utils import logging as library

    shown = library.is_progress_bar_enabled()
    library.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # peft asks transformers for an attribute by its old name.
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
            yield
    finally:
        if shown:
            library.enable_progress_bar()
