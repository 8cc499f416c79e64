"""Files inside a file (an archive's members, a mail's attachments): each parsed by its own name, within bounds."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing import formats

MAX_DEPTH = 2
"""An archive in an archive is read, one in that is not."""
_MAX_MEMBERS = 2_000
_MAX_BYTES = 512 << 20
_MAX_MEMBER_BYTES = 64 << 20


class _Exhausted(InputError):
    """All members together took too much: the file as a whole fails."""


class Members:
    """What all members of one file may cost together, however deep they lie.

    Args:
        max_characters: of all texts together.
    """

    def __init__(self, max_characters: int) -> None:
        self._members, self._bytes, self._characters = _MAX_MEMBERS, _MAX_BYTES, max_characters
        self._depth = 0

    def read(self, container: str, name: str, size: int, load: Callable[[], bytes]) -> Iterator[Document | InputError]:
        """The member's documents, their ids below the container's, or the error that names it.

        Args:
            size: its bytes, as declared: ``load`` must give no more.

        Raises:
            InputError: too many members, or too much in them.
        """
        form = formats.form(name)
        if form is None:
            return
        self._members -= 1
        if self._members < 0:
            raise _Exhausted(f"found more than {_MAX_MEMBERS} files in it, expected fewer: unpack it")
        if size > _MAX_MEMBER_BYTES:
            yield InputError(
                f"{name}: found {size >> 20} MiB, expected at most {_MAX_MEMBER_BYTES >> 20} MiB: unpack it"
            )
            return
        self._bytes -= size
        if self._bytes < 0:
            raise _Exhausted(f"found more than {_MAX_BYTES >> 20} MiB in it (a zip bomb?), expected less: unpack it")
        if self._depth == MAX_DEPTH:
            yield InputError(f"{name}: found it packed {MAX_DEPTH + 1} deep, expected at most {MAX_DEPTH}: unpack it")
            return
        self._depth += 1
        try:
            identity = f"{container}/{name}"
            for item in formats.parse(form, identity, load(), max_characters=max(self._characters, 0), members=self):
                yield self._named(item, name)
        except _Exhausted:
            raise
        except InputError as error:
            yield InputError(f"{name}: {error}")
        except RecursionError:
            yield InputError(f"{name}: found it nested too deeply, expected an ordinary document")
        finally:
            self._depth -= 1

    def _named(self, item: Document | InputError, name: str) -> Document | InputError:
        if isinstance(item, InputError):
            return InputError(f"{name}: {item}")
        if not item.text.strip():
            return InputError(f"{name}: found no text in it, expected some: fill it or leave it out")
        self._characters -= len(item.text)
        if self._characters < 0:
            raise _Exhausted("found too much text in it, expected less: unpack it")
        return item if item.title else replace(item, title=formats.title(name.rpartition("/")[2]))
