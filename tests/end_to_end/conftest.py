"""A small real workspace: documents with facts, examples about them, tiny models, and commands in other processes."""

import contextlib
import io
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from retrieval.catalog import Catalog
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from service.commands.main import main
from training.releases.ledger import Ledger

MACHINES = (
    "albatross",
    "bittern",
    "cormorant",
    "dipper",
    "egret",
    "fulmar",
    "gannet",
    "heron",
    "ibis",
    "jacana",
    "kestrel",
    "lapwing",
    "merlin",
    "nightjar",
    "osprey",
    "petrel",
    "quail",
    "redshank",
    "skua",
    "tern",
    "umbrette",
    "veery",
    "wagtail",
    "xenops",
)
FACTS = (
    ("Pressure", "The {name} valve opens at {value} bar and closes slowly.", "At what pressure does the {name} open?"),
    ("Speed", "Its {name} rotor turns {value} times each minute.", "How fast does the {name} rotor turn?"),
    ("Weight", "Carrying the {name} means lifting {value} kilograms.", "How heavy is the {name}?"),
)
UNANSWERABLE = ("Who painted the {name}?", "Which stamp shows a {name}?")
ASKED = 60
UNASKED = 10
HEFT = """
kind = "classification"
instruction = "Say one of: heavy, light."
labels = ["heavy", "light"]
weight = 2
"""

CONFIGURATION = """
[embedder]
model = "{embedder}"
[generator]
model = "{generator}"
max_new_tokens = 4
[chunking]
max_tokens = 48
[prompt]
system = "Answer. Else say: {{abstention}}"
abstention = "No."
max_passages = 2
[search]
top_k = 5
candidates = 20
[training]
seed = 3
[training.data]
passages = 2
[training.embedder]
epochs = 1
batch_size = 16
learning_rate = 1e-3
evaluations = 1
[training.generator]
epochs = 1
batch_size = 16
rank = 4
alpha = 8
evaluations = 1
[training.estimate]
enabled = false
[training.verdict]
timed = 2
"""


def value_of(name: str, fact: int) -> int:
    """A number that belongs to one fact of one machine."""
    return random.Random(f"{name} {fact}").randrange(100, 1000)


def document(name: str, revision: int) -> str:
    """A document of three sections and more chunks; every section tells the revision."""
    own = random.Random(name)
    words = ["".join(own.choices("abcdefghijklmnoprstuvw", k=7)) for _ in range(36)]
    parts = [f"# The {name}\n"]
    for number, (heading, fact, _) in enumerate(FACTS):
        filler = " ".join(words[12 * number : 12 * number + 12])
        told = fact.format(name=name, value=value_of(name, number))
        parts.append(f"## {heading}\n\n{told} Revision {revision} of {name}: {filler}.\n")
    return "\n".join(parts)


def examples() -> list[dict[str, Any]]:
    """Questions on all documents, one in seven of them not answerable; and of all documents a label."""
    rows: list[dict[str, Any]] = []
    for number, (_, _, question) in enumerate(FACTS):
        for name in MACHINES:
            rows.append(
                {
                    "id": f"{name}-{number}",
                    "question": question.format(name=name),
                    "answers": [str(value_of(name, number))],
                    "document_ids": [f"{name}.md"],
                }
            )
    asked = random.Random(1).sample(rows, ASKED)
    for number in range(UNASKED):
        question = UNANSWERABLE[number % 2].format(name=MACHINES[number])
        asked.append({"id": f"unanswerable-{number}", "question": question, "answers": []})
    for name in MACHINES:
        asked.append(
            {
                "id": f"{name}-heft",
                "question": f"Is the {name} heavy or light?",
                "answers": ["heavy" if value_of(name, 2) > 550 else "light"],
                "document_ids": [f"{name}.md"],
                "task": "heft",
            }
        )
    return asked


@dataclass
class World:
    """A workspace with its documents and examples."""

    root: Path
    models: tuple[Path, Path]
    names: list[str] = field(default_factory=lambda: list(MACHINES))
    result: dict[str, Any] = field(default_factory=dict)
    """What the retraining printed, if there was one."""

    def __post_init__(self) -> None:
        self.place, self.documents = self.root / "place", self.root / "documents"
        self.examples = self.root / "examples.jsonl"

    def make(self) -> "World":
        self.place.mkdir(parents=True)
        embedder, generator = self.models
        (self.place / "lockstep.toml").write_text(CONFIGURATION.format(embedder=embedder, generator=generator))
        self.workspace.tasks.mkdir()
        (self.workspace.tasks / "heft.toml").write_text(HEFT)
        self.write(0)
        self.write_examples(examples())
        return self

    def write(self, revision: int) -> None:
        """Bring the folder of documents to a revision."""
        shutil.rmtree(self.documents, ignore_errors=True)
        self.documents.mkdir()
        for name in self.names:
            (self.documents / f"{name}.md").write_text(document(name, revision))

    def write_examples(self, rows: Sequence[dict[str, Any]], path: Path | None = None) -> None:
        (path or self.examples).write_text("".join(json.dumps(row) + "\n" for row in rows))

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.place)

    @property
    def index(self) -> IndexSettings:
        return IndexSettings()

    def open(self) -> tuple[Catalog, Ledger]:
        catalog = Catalog(self.workspace.catalog)
        return catalog, Ledger(catalog)

    def active(self) -> str | None:
        catalog, ledger = self.open()
        try:
            return ledger.active()
        finally:
            catalog.close()

    def unsettled(self) -> str | None:
        catalog, ledger = self.open()
        try:
            return ledger.unsettled()
        finally:
            catalog.close()

    def copy(self, root: Path) -> "World":
        shutil.copytree(self.root, root)
        return World(root, self.models, list(self.names), dict(self.result))

    def run(self) -> Path:
        """The directory of the newest run."""
        return max(self.workspace.runs.glob("*/"))


@pytest.fixture(scope="session", autouse=True)
def most_changed() -> Iterator[None]:
    """The arm that changes most is judged: with random models nothing tuned is ever ahead on validation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.runs.stages.choose_arm", lambda results: results[-1].name)
        yield


Lockstep = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def lockstep(capfd: pytest.CaptureFixture[str]) -> Lockstep:
    """Run a command with ``--json``: exit status and the object on standard output."""

    def call(world: World, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
        status = main([*map(str, arguments), "--workspace", str(world.place), "--json"])
        out = capfd.readouterr().out
        assert out.count("\n") == 1, out
        return status, json.loads(out)

    return call


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory, tiny_embedders: list[Path], tiny_generator: Path) -> World:
    """A workspace with its documents ingested; to be copied, not changed."""
    world = World(tmp_path_factory.mktemp("ingested") / "world", (tiny_embedders[0], tiny_generator)).make()
    assert main(["ingest", str(world.documents), "--workspace", str(world.place)]) == 0
    return world


@pytest.fixture(scope="session")
def retrained(tmp_path_factory: pytest.TempPathFactory, ingested: World) -> World:
    """The same after one retraining that promoted nothing; to be copied, not changed."""
    world = ingested.copy(tmp_path_factory.mktemp("retrained") / "world")
    arguments = ["retrain", "--examples", str(world.examples), "--promote", "never", "--workspace", str(world.place)]
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKSTEP_TRAINING__ESTIMATE__ENABLED", "true")
        patch.setenv("LOCKSTEP_TRAINING__ESTIMATE__PRICE_PER_HOUR", "3.6")
        assert main([*arguments, "--json"]) == 0
    world.result = json.loads(out.getvalue())
    return world


@pytest.fixture
def world(ingested: World, tmp_path: Path) -> World:
    return ingested.copy(tmp_path / "world")


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended at this moment
        os.kill(process, signal.SIGKILL)


class Commands:
    """Commands in children of a warm process, one at a time; see ``operations.py``."""

    def __init__(self) -> None:
        program = Path(__file__).with_name("operations.py")
        root = program.parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root), "TOKENIZERS_PARALLELISM": "false"}
        self._process = subprocess.Popen(
            [sys.executable, str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=environment,
        )
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert "ready" in self._lines.get(timeout=120)
        self.seconds = 0.0
        """What the last command took."""

    def start(self, world: World, *arguments: str | Path, **options: Any) -> int:
        """Start a command; the id of its process."""
        request = {"arguments": [*map(str, arguments), "--workspace", str(world.place)], **options}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        started: int = self._lines.get(timeout=60)["started"]
        self._began = time.monotonic()
        return started

    def next(self, timeout: float = 200) -> dict[str, Any]:
        """What the command tells next."""
        return self._lines.get(timeout=timeout)

    def finish(
        self, kill: tuple[int, float] | None = None, after: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """What it told to its end.

        Args:
            kill: process id, and seconds after which it is killed.
            after: what it must tell before these seconds begin; at once if None.
        """
        timer = threading.Timer(kill[1], _kill, (kill[0],)) if kill else None
        if timer and not after:
            timer.start()
        told: list[dict[str, Any]] = []
        while not told or "ended" not in told[-1]:
            told.append(self.next())
            if timer and told[-1] == after:
                timer.start()
        self.seconds = time.monotonic() - self._began
        if timer and timer.ident is not None:
            timer.cancel()
            timer.join()
        return told

    def run(self, world: World, *arguments: str | Path, **options: Any) -> tuple[int, dict[str, Any]]:
        """Run a command to its end: exit status and value."""
        self.start(world, *arguments, **options)
        told = self.finish()
        ends = [one for one in told if "exit" in one]
        assert ends, f"the command {arguments} crashed: {told[-1]}"
        return ends[0]["exit"], ends[0]["value"]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._reader.join(timeout=60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    held = Commands()
    yield held
    held.close()
