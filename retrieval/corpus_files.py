"""Finds the files of a corpus, and says of everything else that lies there why it was passed over."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from retrieval.documents import SourceFile
from retrieval.errors import InputError
from retrieval.files import path_key, printable
from retrieval.parsing.parse import textless
from retrieval.patterns import IGNORE_FILE, IgnoreFile, Selection, ignored, read_ignore_file

HIDDEN = "its name begins with a dot"
OUTSIDE = "a link that leaves the folder"
DANGLING = "a link to nothing"
TWICE = "a link to what is found anyway"
SPECIAL = "neither a file nor a folder"
VANISHED = "went away while the folder was read"
EXCLUDED = "left out by --exclude"
NOT_INCLUDED = "not among --include"
IGNORED = f"ignored by {IGNORE_FILE}"


@dataclass(frozen=True)
class Skipped:
    """Something that was passed over."""

    key: str
    """Its absolute path as text; a folder stands for everything in it."""
    reason: str


@dataclass
class Survey:
    """What lies under the paths given."""

    files: list[SourceFile] = field(default_factory=list)
    """Sorted by id; two files under different paths may have the same."""
    skipped: list[Skipped] = field(default_factory=list)


def find_files(paths: Sequence[Path], selection: Selection | None = None) -> list[SourceFile]:
    """The files of :func:`survey`."""
    return survey(paths, selection).files


def survey(paths: Sequence[Path], selection: Selection | None = None) -> Survey:
    """The files under the paths that may hold text, and what was passed over.

    Passed over are names that begin with a dot, what a ``.lockstepignore`` or the selection leaves out, suffixes
    without text, links that leave the folder given, links to what is found anyway, and whatever is neither
    file nor folder. The names of paths that are given themselves are not looked at, but for their suffix
    and the selection.

    Raises:
        InputError: a path is missing or cannot be read.
    """
    found = Survey()
    seen: set[str] = set()
    for root in paths:
        for source in _Walk(root, selection or Selection(), found.skipped).files():
            if source.key not in seen:
                seen.add(source.key)
                found.files.append(source)
            elif source.path.is_symlink():
                found.skipped.append(Skipped(_absolute(source.path), TWICE))
    found.files.sort(key=lambda source: source.id)
    return found


@dataclass(frozen=True)
class _Folder:
    path: Path
    real_path: str
    relative: str
    """To the root: empty, or with a slash at its end."""
    ignore_files: tuple[IgnoreFile, ...]


class _Walk:
    """One walk below one path; links come last."""

    def __init__(self, root: Path, selection: Selection, skipped: list[Skipped]) -> None:
        self.root = root
        self.filter = selection.filter()
        self.skipped = skipped
        self.folders: list[_Folder] = []
        self.links: list[tuple[Path, _Folder]] = []

    def files(self) -> Iterator[SourceFile]:
        try:
            status = self.root.stat()
        except OSError as error:
            raise InputError(
                f"found no {self.root} ({error.strerror}), expected a file or directory: check the path"
            ) from error
        top = os.path.realpath(self.root)
        if not stat.S_ISDIR(status.st_mode):
            yield from self._file(self.root, top, self.root.name, status)
            return
        seen = {top}
        self.folders.append(_Folder(self.root, top, "", ()))
        while self.folders or self.links:
            if self.folders:
                folder = self.folders.pop()
                ignore_file = read_ignore_file(folder.path, folder.relative)
                if ignore_file is not None:
                    folder = _Folder(
                        folder.path, folder.real_path, folder.relative, (*folder.ignore_files, ignore_file)
                    )
                entries = self._entries(folder)
            else:  # what a link points to has mostly been found under its own name by now
                link, folder = self.links.pop(0)
                target = os.path.realpath(link)
                inside = target.startswith(top.rstrip(os.sep) + os.sep)
                entries = [(link, target)] if inside else []
                if not inside:
                    self._skip(link, OUTSIDE if target != top else TWICE)
            for path, real_path in entries:
                yield from self._entry(path, real_path, folder, seen)

    def _entry(self, path: Path, real_path: str, folder: _Folder, seen: set[str]) -> Iterator[SourceFile]:
        try:
            status = path.stat()
        except OSError:
            self._skip(path, DANGLING if path.is_symlink() else VANISHED)
            return
        is_folder = stat.S_ISDIR(status.st_mode)
        relative = folder.relative + path.name + ("/" if is_folder else "")
        if ignored(relative, folder.ignore_files):
            self._skip(path, IGNORED)
        elif not is_folder:
            yield from self._file(path, real_path, relative, status)
        elif self.filter.excludes(relative):
            self._skip(path, EXCLUDED)
        elif real_path in seen:
            self._skip(path, TWICE)
        else:
            seen.add(real_path)
            self.folders.append(_Folder(path, real_path, relative, folder.ignore_files))

    def _file(self, path: Path, real_path: str, relative: str, status: os.stat_result) -> Iterator[SourceFile]:
        if self.filter.excludes(relative):
            self._skip(path, EXCLUDED)
        elif not self.filter.includes(relative):
            self._skip(path, NOT_INCLUDED)
        elif not stat.S_ISREG(status.st_mode):
            self._skip(path, SPECIAL)
        elif kind := textless(path):
            self._skip(path, f"{path.suffix.lower()}: {kind}")
        else:
            yield SourceFile(printable(relative), path, status.st_size, status.st_mtime_ns, path_key(real_path))

    def _entries(self, folder: _Folder) -> list[tuple[Path, str]]:
        """Paths and real paths in a folder, sorted; hidden ones left out, links put aside."""
        try:
            with os.scandir(folder.path) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            # Passing over it would make its documents look deleted.
            raise InputError(
                f"cannot read {folder.path} ({error.strerror}): check its owner and permissions"
            ) from error
        shown = []
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                if entry.name != IGNORE_FILE:
                    self._skip(path, HIDDEN)
            elif entry.is_symlink():
                self.links.append((path, folder))
            else:
                shown.append((path, os.path.join(folder.real_path, entry.name)))
        return shown

    def _skip(self, path: Path, reason: str) -> None:
        self.skipped.append(Skipped(_absolute(path), reason))


def _absolute(path: Path) -> str:
    """The key of a path whose last part is not followed where it is a link."""
    return path_key(os.path.join(os.path.realpath(path.parent), path.name))
