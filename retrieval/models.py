"""Where a model's files lie: packaged with Lockstep, in a directory, or on a hub at a fixed revision."""

from pathlib import Path

from retrieval.errors import ConfigurationError


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
