"""``kill -9`` at seeded random moments of ingest, retrain, promote and rollback.

After each kill: nothing that was acknowledged is lost, nothing half is visible, exactly the old or
exactly the new release is active, and the operation, run again, comes to its end.
"""

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from retrieval.chunking import Chunker
from retrieval.conditions import parse_condition
from retrieval.corpus_files import find_files
from retrieval.documents import Document
from retrieval.embedder import load_embedder
from retrieval.parsing.parse import ParseLimits, parse_files, parser_pool
from retrieval.parsing.sandbox import ParserPool
from training.releases.ledger import Ledger
from training.releases.release import read_release
from training.releases.runtime import open_runtime
from training.runs.directory import Run

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

KILLS = int(os.environ.get("LOCKSTEP_KILLS", "8"))
SEED = int(os.environ.get("LOCKSTEP_KILL_SEED", "20261121"))
OPERATIONS = ("ingest", "retrain", "promote", "rollback")
SHARE = {name: len(range(number, KILLS, len(OPERATIONS))) for number, name in enumerate(OPERATIONS)}


@dataclass
class Site:
    """A workspace under fire, and what it must look like."""

    world: Any
    commands: Any
    chunker: Chunker
    pool: ParserPool
    asked_about: tuple[str, ...]
    generation: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)
    """Stage of a retraining to its seconds."""
    hit: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)

    def options(self, operation: str) -> dict[str, Any]:
        return {"ingest": {"chunks_per_commit": 20}, "retrain": {"verdict": "promoted"}}.get(operation, {})

    def arguments(self, operation: str) -> list[Any]:
        return {
            "ingest": ["ingest", self.world.documents, "--prune"],
            "retrain": ["retrain", "--examples", self.world.examples, "--promote", "always"],
            "promote": ["releases", "promote", self.target("promote")] if operation == "promote" else [],
            "rollback": ["releases", "rollback"],
        }[operation]

    def target(self, operation: str) -> str:
        """The release that a promotion or a rollback makes active."""
        catalog, ledger = self.world.open()
        try:
            active = str(ledger.active())
            if operation == "rollback":
                return ledger.before(active)
            return next(entry.id for entry in reversed(ledger.entries()) if entry.id != active)
        finally:
            catalog.close()

    def run(self, operation: str) -> dict[str, Any]:
        status, value = self.commands.run(self.world, *self.arguments(operation), **self.options(operation))
        assert status == 0, (operation, value)
        self.seconds[operation] = self.commands.seconds
        return value

    def edit(self) -> None:
        """The next generation of all documents: some are new or gone, the others have changed."""
        self.generation += 1
        extra = [f"extra{number}" for number in range(self.generation % 3 + 1)]
        self.world.names = [*self.asked_about, *extra]
        self.world.write(self.generation)

    def chunks(self) -> dict[str, frozenset[str]]:
        """Document to the texts of its chunks, as the folder is now."""
        found = {}
        for source, items in parse_files(find_files([self.world.documents]), ParseLimits(), self.pool):
            (document,) = items
            assert isinstance(document, Document)
            found[source.id] = frozenset(chunk.text for chunk in self.chunker.chunk(document))
        return found


def visible(world: Any, names: Iterable[str], ledger: Ledger, catalog: Any) -> tuple[dict[str, frozenset[str]], str]:
    """The chunks of each document that a search of the active release shows, and its id."""
    release = read_release(world.workspace, ledger, str(ledger.active()))
    runtime = open_runtime(world.workspace, catalog, release, world.index)
    try:
        assert runtime.index.embedder == runtime.embedder.fingerprint == release.manifest.embedder.fingerprint
        assert runtime.index.name == release.manifest.collection
        found = {}
        for name in names:
            condition = parse_condition({"type": "eq", "key": "document_id", "value": name})
            passages = runtime.searcher.search(name.removesuffix(".md"), top_k=50, condition=condition)
            texts = [passage.text for passage in passages]
            assert len(texts) == len(set(texts)), f"{name} is there twice"
            found[name] = frozenset(texts)
        assert runtime.searcher.search("At what pressure does the heron open?")
        return found, release.id
    finally:
        runtime.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, ingested, commands) -> Iterator[Site]:
    world = type(ingested)(tmp_path_factory.mktemp("kill") / "world", ingested.models).make()
    chunker = Chunker(load_embedder(world.models[0]).tokenizer_path, 48)
    with parser_pool(ParseLimits()) as pool:
        site = Site(world, commands, chunker, pool, tuple(world.names))
        site.run("ingest")
        site.run("retrain")
        events = Run(world.run()).events()
        site.stages = {event["stage"]: event["seconds"] for event in events if event.get("state") == "finished"}
        site.edit()
        for operation in ("ingest", "rollback", "promote"):
            site.run(operation)
        yield site


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_kill_leaves_the_old_or_the_new(operation: str, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    attempt = 0
    while site.killed[operation] < SHARE[operation]:
        seed = f"{SEED}-{operation}-{attempt}"
        try:
            site.hit[f"{operation}: {strike(site, operation, attempt, random.Random(seed))}"] += 1
        except BaseException as error:
            error.add_note(f"seed {seed}: LOCKSTEP_KILL_SEED={SEED} LOCKSTEP_KILLS={KILLS}")
            raise
        attempt += 1
        assert attempt <= 3 * SHARE[operation] + 3, f"the operation mostly ends before the kill: {site.hit}"
    with capsys.disabled():
        told = ", ".join(f"{name} {n}" for name, n in sorted(site.hit.items()) if name.startswith(operation))
        print(f"\n{SHARE[operation]} kills ({site.seconds[operation]:.1f} s each run): {told}")


def strike(site: Site, operation: str, attempt: int, rng: random.Random) -> str:
    """Kill one operation, look, and bring it to its end; where it was hit.

    Of a retraining every stage is hit in turn: the training of the generator takes most of the time.
    """
    world = site.world
    before = site.chunks()
    old = str(world.active())
    if operation == "ingest" or rng.random() < 0.5:
        site.edit()
        if operation != "ingest":
            site.run("ingest")
            before = site.chunks()
    after = site.chunks()
    new = site.target(operation) if operation in ("promote", "rollback") else old
    pid = site.commands.start(world, *site.arguments(operation), **site.options(operation))
    if operation == "retrain":
        stage = list(site.stages)[-1 - attempt % len(site.stages)]
        told = site.commands.finish((pid, rng.uniform(0, site.stages[stage])), {"working": stage})
    elif operation in ("promote", "rollback") and attempt % 3 == 1:
        # The moment after the release's row is there, which takes no time that a random kill would hit.
        told = site.commands.finish((pid, rng.uniform(0, 0.02)), {"activated": new})
    else:
        told = site.commands.finish((pid, rng.uniform(0, site.seconds[operation])))
    if operation == "retrain":
        run = Run(world.run())
        new = run.result("release")["release"] if run.finished("release") else old

    # What is there
    catalog, ledger = world.open()
    for entry in ledger.entries():
        read_release(world.workspace, ledger, entry.id)
    active = str(ledger.active())
    assert active in (old, new), f"found {active} active, expected {old} or {new}"
    for one in told:
        if "activated" in one:
            assert active == one["activated"] == new, "an acknowledged activation is lost"
    found, answering = visible(world, before.keys() | after.keys(), ledger, catalog)
    assert answering == active
    none: frozenset[str] = frozenset()
    for name, texts in found.items():
        assert texts in (before.get(name, none), after.get(name, none)), f"{name} is half there"
    kept = {document.id: document.text for document in catalog.documents()}
    for one in told:
        for name in one.get("committed", ()):
            assert f"evision {site.generation} of" in kept[name], f"the acknowledged {name} is lost"
        for path in one.get("removed", ()):
            assert Path(path).name not in kept
            assert not found[Path(path).name], f"the deleted {path} is visible"
    for entry in world.workspace.releases.iterdir():
        assert entry.name == ".new" or (entry / "manifest.json").is_file()
    catalog.close()

    # Again, to its end
    if operation == "retrain":
        finished = Run(world.run()).finished("promote")
        started = any("working" in one for one in told)
        resume = ["retrain", "--resume"] if started else site.arguments("retrain")
        if not finished:
            status, value = site.commands.run(world, *resume, **site.options("retrain"))
            assert status == 0, value
            new = value["release"]
    elif operation == "ingest" or world.active() != new:
        site.run(operation)
    elif world.unsettled():  # killed between the row and what follows it: any command brings that to its end
        site.run("ingest")
    catalog, ledger = world.open()
    assert str(ledger.active()) == new
    assert ledger.unsettled() is None
    assert visible(world, after.keys(), ledger, catalog)[0] == after
    assert {document.id for document in catalog.documents()} == set(after)
    if operation == "retrain":
        runs = [read_release(world.workspace, ledger, entry.id).manifest.run for entry in ledger.entries()]
        assert runs.count(world.run().name) == 1
    catalog.close()
    for run_directory in world.workspace.runs.glob("*/"):
        if run_directory != world.run():
            shutil.rmtree(run_directory)  # finished
    if told[-1]["status"] != -9:
        assert told[-1]["status"] == 0, told
        return "ended before the kill"
    site.killed[operation] += 1
    stages = [one["working"] for one in told if "working" in one]
    where = f"in {stages[-1]}, " if stages else "before its stages, " if operation == "retrain" else ""
    if operation == "ingest":
        return f"after {sum('committed' in one for one in told)} commits"
    return where + ("new" if active != old else "old")
