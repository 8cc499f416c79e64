"""Atomic publication and locks."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from retrieval import files
from retrieval.errors import Busy, StorageError


def test_a_failed_write_leaves_the_old_content_and_no_rubbish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    files.publish_json(path, {"value": 1})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        files.publish_json(path, {"value": 2})
    assert path.read_text() == '{\n  "value": 1\n}\n'
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_rows_are_read_as_they_were_published(tmp_path: Path) -> None:
    path, rows = tmp_path / "rows.jsonl", [{"text": "a\u2028b\x85c"}, {"text": "\ud800"}]
    files.publish_rows(path, rows)
    assert list(files.published_rows(path)) == rows
    files.publish_rows(path, [])
    assert list(files.published_rows(path)) == []


def test_a_directory_is_published_under_a_new_name_only(tmp_path: Path) -> None:
    (tmp_path / "new" / "sub").mkdir(parents=True)
    (tmp_path / "new" / "sub" / "file").write_text("x")
    files.publish_directory(tmp_path / "new", tmp_path / "final")
    assert (tmp_path / "final" / "sub" / "file").read_text() == "x"
    (tmp_path / "new").mkdir()
    with pytest.raises(StorageError, match="already there"):
        files.publish_directory(tmp_path / "new", tmp_path / "final")


def test_a_new_directory_appears_when_it_is_whole(tmp_path: Path) -> None:
    final = tmp_path / "below" / "final"
    with pytest.raises(ZeroDivisionError), files.new_directory(final) as directory:
        (directory / "half").write_text(str(1 / 0))
    assert list((tmp_path / "below").iterdir()) == []
    with files.new_directory(final) as directory:
        (directory / "file").touch()
        assert not final.exists()
    assert [path.name for path in (tmp_path / "below").rglob("*")] == ["final", "file"]


def test_a_second_holder_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    told = rf"pid {os.getpid()}: retrain"
    with files.exclusive(lock, "retrain"), pytest.raises(Busy, match=told), files.exclusive(lock, "ingest"):
        pass
    with files.exclusive(lock, "ingest"):
        pass


def test_checksums_are_by_relative_path(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert files.tree_sha256(tmp_path) == {"b/x": known}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is made durable and what is renamed, in order; a name and what was done to it."""
    done: list[tuple[str, str]] = []
    fsync, replace, rename = os.fsync, Path.replace, Path.rename

    def told_fsync(descriptor: int) -> None:
        done.append(("sync", os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    def told(name: str, move: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def moved(self: Path, target: Path) -> Path:
            done.append((name, target.name))
            return move(self, target)

        return moved

    monkeypatch.setattr(os, "fsync", told_fsync)
    monkeypatch.setattr(Path, "replace", told("rename", replace))
    monkeypatch.setattr(Path, "rename", told("rename", rename))
    return done


def test_a_file_is_synced_then_renamed_then_its_directory_synced(tmp_path: Path, steps: list[tuple[str, str]]) -> None:
    files.publish_bytes(tmp_path / "a.json", b"x")
    assert [what for what, _ in steps] == ["sync", "rename", "sync"]
    assert steps[0][1].startswith(".a.json.")
    assert steps[1:] == [("rename", "a.json"), ("sync", tmp_path.name)]


def test_a_directory_is_synced_whole_before_it_is_renamed(tmp_path: Path, steps: list[tuple[str, str]]) -> None:
    (tmp_path / "new" / "sub").mkdir(parents=True)
    (tmp_path / "new" / "sub" / "file").write_text("x")
    files.publish_directory(tmp_path / "new", tmp_path / "final")
    assert set(steps[:3]) == {("sync", "file"), ("sync", "sub"), ("sync", "new")}
    assert steps[3:] == [("rename", "final"), ("sync", tmp_path.name)]
