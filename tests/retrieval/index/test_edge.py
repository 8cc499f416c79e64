"""What only Edge does: one process at a time, files that outlive a kill, damage, a full disk, threads."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import Busy, NotFound, StorageError
from retrieval.index import edge
from retrieval.index.base import Query, SparseVector
from retrieval.index.edge import open_edge
from tests.retrieval.index.points import DIMENSION, ENGLISH, ONE, OTHER, PETREL, dense, ids, point, unit

ROOT = Path(__file__).parents[3]


def test_close_twice_and_use_after(tmp_path: Path) -> None:
    index = open_edge(tmp_path / "one", embedder=ONE, dimension=DIMENSION, create=True)
    index.close()
    index.close()
    with pytest.raises(ValueError, match="index one is closed"):
        index.count()


CHILD = """
import sys
from pathlib import Path
import numpy as np
from retrieval.errors import LockstepError
from retrieval.index.base import Point, SparseVector
from retrieval.index.edge import open_edge
directory, task = Path(sys.argv[1]), sys.argv[2]
try:
    index = open_edge(directory, embedder="1" * 64, dimension=4, create=True)
except LockstepError as error:
    print(f"{error.code}: {error}", flush=True)
    sys.exit(1)
if task == "open":
    print(f"opened with {index.count()} points", flush=True)
    index.close()
elif task == "hold":
    print("held", flush=True)
    sys.stdin.read()
elif task == "write":
    for start in range(0, 1_000_000, 50):
        index.upsert(
            Point(i, np.array([i + 1, 1, 0, 0], dtype=np.float32), SparseVector([i], [1.0]), {"n": i})
            for i in range(start, start + 50)
        )
        print(start + 50, flush=True)
"""


def child(directory: Path, task: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(directory), task],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_edge_is_held_by_one_process_and_let_go_on_close(tmp_path: Path) -> None:
    index = open_edge(tmp_path / "one", embedder=ONE, dimension=DIMENSION, create=True)
    index.upsert(PETREL)
    with child(tmp_path / "one", "open") as other:
        output, _ = other.communicate(timeout=60)
        assert f"busy: found lock held by another process (pid {os.getpid()}" in output
    index.close()
    with child(tmp_path / "one", "open") as other:
        output, _ = other.communicate(timeout=60)
        assert output == "opened with 4 points\n"


def test_edge_says_busy_while_another_process_holds_it(tmp_path: Path) -> None:
    with child(tmp_path / "one", "hold") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"pid {other.pid}"):
            open_edge(tmp_path / "one", embedder=ONE, dimension=DIMENSION, create=True)
        other.kill()
        other.wait()
        open_edge(tmp_path / "one", embedder=ONE, dimension=DIMENSION, create=True).close()


def test_edge_keeps_what_it_acknowledged_through_sigkill(tmp_path: Path) -> None:
    with child(tmp_path / "one", "write") as writer:
        assert writer.stdout is not None
        acknowledged = 0
        while acknowledged < 1000:
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)  # in the middle of a later upsert
        for line in writer.stdout:
            acknowledged = int(line)
        assert writer.wait() == -signal.SIGKILL
    index = open_edge(tmp_path / "one", embedder=ONE, dimension=DIMENSION, create=False)
    found = list(index.ids())
    assert found == list(range(len(found)))  # what was not acknowledged may be there in part, in order
    assert acknowledged <= len(found) <= acknowledged + 50
    vectors = index.vectors(range(acknowledged))
    assert vectors[acknowledged - 1] == pytest.approx(unit(acknowledged, 1, 0, 0))
    assert ids(index.query(Query(None, SparseVector([777], [1.0])))) == [777]
    index.upsert(PETREL)
    index.close()


def test_edge_makes_an_unfinished_collection_anew(tmp_path: Path) -> None:
    directory = tmp_path / "one"
    open_edge(directory, embedder=ONE, dimension=DIMENSION, create=True).close()
    (directory / "collection.json").unlink()  # as if killed before the last step of its creation
    next((directory / "shard").rglob("*.json")).write_text("{")
    with pytest.raises(NotFound):
        open_edge(directory, embedder=ONE, dimension=DIMENSION, create=False)
    index = open_edge(directory, embedder=OTHER, dimension=DIMENSION, create=True)
    assert index.count() == 0
    index.close()


def test_edge_says_what_is_damaged(tmp_path: Path) -> None:
    directory = tmp_path / "one"
    open_edge(directory, embedder=ONE, dimension=DIMENSION, create=True).close()
    description = (directory / "collection.json").read_text()
    assert json.loads(description)["embedder"] == ONE
    (directory / "collection.json").write_text(description[:10])
    with pytest.raises(StorageError, match=r"found .*collection\.json damaged"):
        open_edge(directory, embedder=ONE, dimension=DIMENSION, create=False)
    (directory / "collection.json").write_text(description)
    for path in (directory / "shard").rglob("segment.json"):
        path.write_text("{")
    with pytest.raises(StorageError, match="delete that directory and ingest again"):
        open_edge(directory, embedder=ONE, dimension=DIMENSION, create=False)


def test_edge_refuses_before_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = open_edge(tmp_path / "one", embedder=ONE, dimension=DIMENSION, create=True)
    index.upsert(PETREL[:1])
    monkeypatch.setattr(edge, "_DISK_RESERVE", 2**60)
    with pytest.raises(StorageError, match=r"MiB free .* nothing that was acknowledged is lost"):
        index.upsert(PETREL)
    assert index.count() == 1
    index.close()


def test_edge_is_searched_and_written_by_several_threads(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    index = open_edge(tmp_path / "one", embedder=ONE, dimension=DIMENSION, create=True)
    index.upsert(PETREL)
    with ThreadPoolExecutor(4) as threads:
        writes = [threads.submit(index.upsert, [point(100 + i, unit(0, 0, 0, 1))]) for i in range(50)]
        reads = [threads.submit(index.query, dense(unit(1, 0, 0, 0), limit=1)) for _ in range(50)]
        assert {write.result() for write in writes} == {1}
        assert {ids(read.result())[0] for read in reads} == {1}
    assert index.count() == 54
    index.close()


def test_equal_scores_are_ranked_alike_in_every_build(tmp_path: Path) -> None:
    """The engine ranks equal BM25 scores by where it put the points, and of equal fused scores it keeps any."""
    rng = np.random.default_rng(3)
    points = [point(number, unit(*rng.standard_normal(DIMENSION)), "the petrel is blue") for number in range(1, 61)]
    question = unit(1, 2, 3, 4)
    queries = [
        Query(None, ENGLISH.encode_question("petrel"), limit=7),
        Query(question, ENGLISH.encode_question("petrel"), limit=7, candidates=20),
    ]
    results = []
    for build in range(3):
        index = open_edge(tmp_path / f"build-{build}", embedder=ONE, dimension=DIMENSION, create=True)
        index.upsert(points)
        results.append([ids(found) for found in index.query_batch(queries)])
        index.close()
    assert all(len(found) == 7 for found in results[0])
    assert results[0] == results[1] == results[2]
