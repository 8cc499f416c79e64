"""ZIP: its members as documents of their own, ids ``archive.zip/member``. Runs in the limited child process."""

import io
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from retrieval.documents import Document
from retrieval.errors import DocumentWarning, InputError
from retrieval.parsing import formats
from retrieval.parsing.encoding import assuming
from retrieval.parsing.members import Members
from retrieval.parsing.package import READ_ERRORS, broken, check_sizes, read_part
from retrieval.parsing.text import decode

_ENCRYPTED = 0x1
_UTF8 = 0x800


def parse_zip(
    document_id: str, data: bytes, *, max_characters: int, members: Members | None = None
) -> Iterator[Document | InputError]:
    """The documents of all members that some parser reads; hidden ones and others are left out.

    A warning counts by suffix what was left out.

    Raises:
        InputError: broken, encrypted, a zip bomb, or nothing in it that is read.
    """
    members = members or Members(max_characters)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except READ_ERRORS as error:
        raise broken("ZIP", error) from error
    check_sizes(archive)
    names = _names([part for part in archive.infolist() if not part.is_dir()])
    parts = [part for part in archive.infolist() if part.filename in names and not _hidden(names[part.filename])]
    known = [part for part in parts if formats.form(names[part.filename]) is not None]
    others = Counter(
        PurePosixPath(names[part.filename]).suffix.lower() or "no suffix"
        for part in parts
        if formats.form(names[part.filename]) is None
    )
    counted = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(10))
    if not known:
        raise InputError(f"found no document in it ({counted or 'it is empty'}), expected some: leave it out")
    if all(part.flag_bits & _ENCRYPTED for part in known):
        raise InputError("found an encrypted ZIP, expected one without a password: unpack it")
    if others:
        warnings.warn(DocumentWarning(f"left out of the archive what nothing reads: {counted}"), stacklevel=2)
    for part in known:
        name = names[part.filename]
        if part.flag_bits & _ENCRYPTED:
            yield InputError(f"{name}: found it encrypted, expected it without a password: unpack it")
            continue

        def load(part: zipfile.ZipInfo = part) -> bytes:
            return read_part(archive, part.filename, "member")

        yield from members.read(document_id, name, part.file_size, load)


def _hidden(name: str) -> bool:
    return any(piece.startswith((".", "__MACOSX")) for piece in name.split("/"))


def _names(parts: list[zipfile.ZipInfo]) -> dict[str, str]:
    """The members' paths; without the mark for UTF-8 zipfile takes them for old DOS letters, which few of them are."""
    unmarked = [part.filename for part in parts if not part.flag_bits & _UTF8 and not part.filename.isascii()]
    # Judged all together: one name alone is too short to tell its encoding.
    with assuming(None):  # what a user says of texts does not hold for names: DOS letters on Windows, say
        guessed = decode("\n".join(unmarked).encode("cp437", "replace")).split("\n") if unmarked else []
    names = {part.filename: part.filename for part in parts}
    if len(guessed) == len(unmarked):
        names |= dict(zip(unmarked, guessed, strict=True))
    return {key: _inside(name) for key, name in names.items()}


def _inside(name: str) -> str:
    """A path that does not lead out of the archive."""
    return "/".join(piece for piece in name.replace("\\", "/").split("/") if piece not in ("", ".", ".."))
