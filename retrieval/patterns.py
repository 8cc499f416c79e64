"""Which files are meant: gitignore patterns, given on the command line or in a folder's ``.lockstepignore``."""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from retrieval.errors import ConfigurationError, InputError

IGNORE_FILE = ".lockstepignore"


@dataclass(frozen=True)
class Selection:
    """What the command line asks for; patterns are relative to each path given.

    Raises:
        ConfigurationError: a pattern is malformed.
    """

    include: tuple[str, ...] = ()
    """Only files that one of these matches; none: every file."""
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for option, patterns in (("--include", self.include), ("--exclude", self.exclude)):
            for pattern in patterns:
                try:
                    GitIgnoreSpec.from_lines([pattern])
                except ValueError as error:
                    raise ConfigurationError(
                        f"found {option} {pattern!r} ({error}), expected a gitignore pattern such as '*.md' or 'docs/'"
                    ) from error

    def filter(self) -> "Filter":
        """The patterns, compiled."""
        return Filter(GitIgnoreSpec.from_lines(self.include), GitIgnoreSpec.from_lines(self.exclude))


@dataclass(frozen=True)
class Filter:
    """A selection's compiled patterns."""

    include: GitIgnoreSpec
    exclude: GitIgnoreSpec

    def excludes(self, relative: str) -> bool:
        """Whether an exclusion matches a path relative to the root (folders end with a slash)."""
        return bool(self.exclude.patterns) and self.exclude.match_file(relative)

    def includes(self, relative: str) -> bool:
        """Whether a file is among what is asked for."""
        return not self.include.patterns or self.include.match_file(relative)


@dataclass(frozen=True)
class IgnoreFile:
    """The patterns of one ``.lockstepignore``."""

    folder: str
    """The folder that it stands in, relative to the root: empty, or with a slash at its end."""
    patterns: GitIgnoreSpec


def read_ignore_file(folder: Path, relative: str) -> IgnoreFile | None:
    """The patterns of a folder's ``.lockstepignore``; None where it has none.

    Raises:
        InputError: it cannot be read, or one of its lines is malformed.
    """
    path = folder / IGNORE_FILE
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path} ({error}), expected gitignore patterns in UTF-8") from error
    for number, line in enumerate(lines, start=1):
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError as error:
            raise InputError(f"{path}, line {number}: found {line!r}, expected a gitignore pattern") from error
    return IgnoreFile(relative, GitIgnoreSpec.from_lines(lines))


def ignored(relative: str, above: Sequence[IgnoreFile]) -> bool:
    """Whether a path below the root is ignored; the file nearest to it decides, as with git.

    Args:
        relative: the path relative to the root; a folder's ends with a slash.
        above: the ignore files from the root down to the path's folder.
    """
    for file in reversed(above):
        verdict = file.patterns.check_file(relative[len(file.folder) :]).include
        if verdict is not None:
            return verdict
    return False
