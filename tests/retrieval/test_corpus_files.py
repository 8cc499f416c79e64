"""Files are found under stable ids, and what is passed over is told with its reason."""

import os
from pathlib import Path

import pytest

from retrieval.corpus_files import DANGLING, HIDDEN, IGNORED, OUTSIDE, SPECIAL, TWICE, find_files, survey
from retrieval.errors import ConfigurationError, InputError
from retrieval.patterns import Selection


def write(root: Path, **files: bytes | str) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)


def ids(*paths: Path, **patterns: tuple[str, ...]) -> list[str]:
    return [source.id for source in find_files(paths, Selection(**patterns))]


def reasons(root: Path, **patterns: tuple[str, ...]) -> dict[str, str]:
    """Path below the root to why it was passed over."""
    found = survey([root], Selection(**patterns)).skipped
    return {os.path.relpath(one.key, root.resolve()): one.reason for one in found}


def test_ids_are_paths_relative_to_the_root(tmp_path: Path) -> None:
    write(tmp_path, **{"b/c/d.md": "x", "a.txt": "x", "b/a.md": "x", "b/noise.xyz": "x"})
    assert ids(tmp_path) == ["a.txt", "b/a.md", "b/c/d.md", "b/noise.xyz"]
    assert ids(tmp_path / "b") == ["a.md", "c/d.md", "noise.xyz"]
    assert ids(tmp_path / "a.txt", tmp_path / "b" / "c") == ["a.txt", "d.md"]
    (source,) = find_files([tmp_path / "a.txt"])
    assert (source.path, source.size) == (tmp_path / "a.txt", 1)
    assert source.mtime_ns == (tmp_path / "a.txt").stat().st_mtime_ns


def test_hidden_names_pipes_and_foreign_links_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(tmp_path, **{"outside/secret.md": "x", "root2/x.md": "x", "root/.git/a.md": "x", "root/.b.md": "x"})
    write(root, **{"kept.md": "x"})
    (root / "file.md").symlink_to(tmp_path / "outside" / "secret.md")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "sibling").symlink_to(tmp_path / "root2")
    (root / "dangling.md").symlink_to(root / "nothing.md")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.md")
    assert ids(root) == ["kept.md"]


def test_a_link_inside_counts_only_where_its_target_is_not_found_anyway(tmp_path: Path) -> None:
    # A mounted Kubernetes ConfigMap: names that link into a hidden folder.
    write(tmp_path, **{"..data/faq.md": "x", "z/real.md": "x"})
    (tmp_path / "faq.md").symlink_to("..data/faq.md")
    (tmp_path / "alias.md").symlink_to("z/real.md")
    assert ids(tmp_path) == ["faq.md", "z/real.md"]


def test_a_file_given_twice_is_found_once_and_equal_ids_are_two_files(tmp_path: Path) -> None:
    write(tmp_path, **{"a/x.md": "x", "b/x.md": "y"})
    assert ids(tmp_path / "a", tmp_path / "a" / "x.md", tmp_path / "a") == ["x.md"]
    assert ids(tmp_path / "a", tmp_path / "b") == ["x.md", "x.md"]


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found no .*nowhere"):
        find_files([tmp_path / "nowhere"])


def test_what_is_passed_over_is_named_with_its_reason(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(tmp_path, **{"outside.md": "x", "root/.git/config.md": "x", "root/kept.md": "x", "root/pictures/A.PNG": "x"})
    (root / "away.md").symlink_to(tmp_path / "outside.md")
    (root / "again.md").symlink_to("kept.md")
    (root / "loop").symlink_to(root)
    (root / "nothing.md").symlink_to(root / "none.md")
    os.mkfifo(root / "pipe.md")
    assert reasons(root) == {
        ".git": HIDDEN,
        "pictures/A.PNG": ".png: image",
        "away.md": OUTSIDE,
        "again.md": TWICE,
        "loop": TWICE,
        "nothing.md": DANGLING,
        "pipe.md": SPECIAL,
    }
    assert ids(root) == ["kept.md"]


def test_a_suffix_that_is_parsed_is_never_passed_over(tmp_path: Path) -> None:
    write(tmp_path, **{"rows.jsonl.gz": "x", "notes.gz": "x", "page.HTML": "x"})
    assert ids(tmp_path) == ["page.HTML", "rows.jsonl.gz"]


def test_include_and_exclude_are_gitignore_patterns(tmp_path: Path) -> None:
    write(tmp_path, **dict.fromkeys(["a.md", "b.txt", "docs/c.md", "docs/old/d.md", "x/docs/e.md"], "x"))
    assert ids(tmp_path, include=("*.md",)) == ["a.md", "docs/c.md", "docs/old/d.md", "x/docs/e.md"]
    assert ids(tmp_path, include=("/docs/",)) == ["docs/c.md", "docs/old/d.md"]
    assert ids(tmp_path, include=("docs",), exclude=("old/",)) == ["docs/c.md", "x/docs/e.md"]
    assert ids(tmp_path, exclude=("*.md", "!a.md")) == ["a.md", "b.txt"]
    assert ids(tmp_path / "a.md", exclude=("*.md",)) == []
    assert reasons(tmp_path, include=("*.md",), exclude=("docs/",)) == {
        "b.txt": "not among --include",
        "docs": "left out by --exclude",
        "x/docs": "left out by --exclude",
    }
    with pytest.raises(ConfigurationError, match="found --exclude '!'"):
        Selection(exclude=("!",))


def test_an_ignore_file_holds_for_its_folder_and_the_nearest_decides(tmp_path: Path) -> None:
    names = ["a.md", "draft.md", "build/x.md", "guide/draft.md", "guide/notes.md", "guide/deep/notes.md"]
    write(tmp_path, **dict.fromkeys(names, "x"))
    write(
        tmp_path,
        **{".lockstepignore": "# drafts\ndraft.md\nbuild/\n", "guide/.lockstepignore": "!draft.md\n/notes.md\n"},
    )
    assert ids(tmp_path) == ["a.md", "guide/deep/notes.md", "guide/draft.md"]
    assert reasons(tmp_path) == dict.fromkeys(["draft.md", "build", "guide/notes.md"], IGNORED)
    write(tmp_path, **{"guide/.lockstepignore": "*.txt\n!\n"})
    with pytest.raises(InputError, match=r"guide/\.lockstepignore, line 2: found '!'"):
        find_files([tmp_path])
    write(tmp_path, **{"guide/.lockstepignore": b"\xff\xfe\x00"})
    with pytest.raises(InputError, match="expected gitignore patterns in UTF-8"):
        find_files([tmp_path])
