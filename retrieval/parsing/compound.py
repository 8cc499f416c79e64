"""Compound files (MS-CFB), which Microsoft's old binary formats are made of, over olefile (BSD)."""

import io
from types import TracebackType
from typing import Self

from retrieval.parsing.package import broken

_MAX_STREAM = 128 << 20


class Compound:
    """An open compound file.

    Args:
        name: of the format, for messages.

    Raises:
        InputError: broken.
    """

    def __init__(self, data: bytes, name: str) -> None:
        import olefile

        self._name = name
        try:
            self._file = olefile.OleFileIO(io.BytesIO(data))
        except (OSError, ValueError, IndexError, KeyError, TypeError) as error:
            raise broken(name, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def stream(self, name: str) -> bytes:
        """The content of a stream.

        Raises:
            InputError: it is missing or damaged.
        """
        try:
            return bytes(self._file.openstream(name).read(_MAX_STREAM))
        except (OSError, ValueError, IndexError, KeyError, TypeError) as error:
            raise broken(self._name, error) from error

    def title(self) -> str:
        """The title in the file's properties."""
        try:
            metadata = self._file.get_metadata()
            encoding = f"cp{metadata.codepage % 65536}" if metadata.codepage not in (None, 65001, -535) else "utf-8"
            return bytes(metadata.title or b"").decode(encoding, "replace").strip("\0 ")
        except Exception:  # olefile lets struct.error and others through over damaged properties, which are no loss
            return ""
