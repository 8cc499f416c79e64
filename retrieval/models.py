"""A model's files: where they lie (in a directory, or on a hub at a fixed revision), what they are, how they load."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrieval.errors import ConfigurationError, InputError
from retrieval.files import tree_sha256


def resolve(model: str, revision: str | None, *, root: Path) -> Path:
    """The directory of a model named by path or hub id.

    Args:
        root: what a relative path is relative to (the workspace).

    Raises:
        ConfigurationError: no such directory, or a hub id without a revision or out of reach.
    """
    directory = (root / Path(model).expanduser()).resolve()
    if directory.is_dir():
        return directory
    if model.startswith((".", "/", "~")) or model.count("/") != 1:
        raise ConfigurationError(
            f"found no directory {directory}, expected a model's directory or a hub id such as Qwen/Qwen3-0.6B"
        )
    if revision is None:
        raise ConfigurationError(
            f'found hub id {model!r} without a revision, expected `revision = "<commit>"` beside it: '
            "a release must not change when the hub does"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=wanted))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ConfigurationError(
            f"found no copy of {model} at {revision} and the hub could not be reached "
            f"({type(error).__name__}): download it where there is a network and give its directory"
        ) from error


def content_fingerprint(directory: Path) -> str:
    """sha256 over the names and contents of a model's files; its card and notes do not count."""
    digest = hashlib.sha256()
    for name, content in tree_sha256(directory).items():
        if name.endswith((".safetensors", ".json", ".jinja", ".txt", ".model")):
            digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()


@contextmanager
def loading(path: Path, kind: str, expected: str) -> Iterator[None]:
    """Without the libraries' bars and reports; what they raise becomes an :class:`InputError`.

    Args:
        kind: of model, as in "embedder".
        expected: whole, as in "sentence-transformers model".
    """
    from safetensors import SafetensorError
    from transformers.utils import logging as transformers

    bars, level = transformers.is_progress_bar_enabled(), transformers.get_verbosity()
    sentences = logging.getLogger("sentence_transformers")
    own = sentences.level
    # It takes well under a second, and stderr belongs to the caller.
    transformers.disable_progress_bar()
    transformers.set_verbosity_error()
    sentences.setLevel(logging.ERROR)
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"found {'an' if kind[0] in 'aeiou' else 'a'} {kind} in {path} that does not load "
            f"({type(error).__name__}: {error}), expected a whole {expected}: save or copy it again"
        ) from error
    finally:
        sentences.setLevel(own)
        transformers.set_verbosity(level)
        if bars:
            transformers.enable_progress_bar()
