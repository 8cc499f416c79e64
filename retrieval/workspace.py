"""Where a workspace keeps things, and which locks guard them."""

from contextlib import AbstractContextManager
from pathlib import Path

from retrieval.errors import ConfigurationError
from retrieval.files import exclusive

CONFIGURATION = "lockstep.toml"


class Workspace:
    """A directory with ``lockstep.toml`` and the state in ``.lockstep/``.

    Raises:
        ConfigurationError: the directory holds no ``lockstep.toml``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.configuration = self.root / CONFIGURATION
        if not self.configuration.is_file():
            raise ConfigurationError(
                f"found no {CONFIGURATION} in {self.root}, expected a workspace: "
                "run `lockstep init` there, or name one with --workspace"
            )
        self.state = self.root / ".lockstep"
        self.catalog = self.state / "catalog.db"
        self.releases = self.state / "releases"
        self.runs = self.state / "runs"
        self.studies = self.state / "studies"
        self.prompts = self.root / "prompts"
        """The workspace's own prompt templates."""
        self.tasks = self.root / "tasks"
        """What is asked beside questions, a file for each task."""
        self.split = self.state / "split.json"
        self.service = self.state / "service.json"
        """Address and process of a running service, for commands that find the index held."""
        self.keys = self.state / "keys.json"
        """Hashes of the keys by which clients of a service are known."""

    def collection(self, name: str) -> Path:
        """Directory of an embedded collection."""
        return self.state / "index" / name

    def left_without_catalog(self) -> str:
        """The folders with something in them that only a catalog makes sense of, in words; empty for none."""
        kept = [path for path in (self.releases, self.state / "index") if path.is_dir() and any(path.iterdir())]
        return " and ".join(str(path) for path in kept)

    def writing(self, what: str) -> AbstractContextManager[None]:
        """Exclusive right to change the catalog's documents."""
        return exclusive(self.state / "ingest.lock", what)

    def retraining(self) -> AbstractContextManager[None]:
        """Exclusive right to run the retraining."""
        return exclusive(self.state / "retrain.lock", "retrain")

    def promoting(self) -> AbstractContextManager[None]:
        """Exclusive right to change the active release."""
        return exclusive(self.state / "promote.lock", "change the active release")
