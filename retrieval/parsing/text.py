"""Bytes to text: encodings told apart, binary content refused, characters that break others removed.

Knows nothing about files or formats.
"""

import codecs
import re
import warnings

from retrieval.documents import Document
from retrieval.errors import DocumentWarning, InputError
from retrieval.parsing.encoding import assumed_encoding, declared_encoding, guessed_encoding

_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL_BYTES = bytes([*range(9), *range(14, 27), *range(28, 32), 127])
_UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_SAMPLE = 1 << 16
_MAX_CONTROL_SHARE = 0.01
_JIS = re.compile(rb"\x1b\$[@B]")
"""What switches to Japanese letters in ISO-2022-JP, which is ASCII to the eye of a decoder."""
_FAULT = "\ufffd"
_MOSTLY = 10
"""Foreign characters for each broken one: such text is in that encoding, with faults, and in no other."""


def parse_text(document_id: str, data: bytes, *, max_characters: int = 64 << 20) -> Document:
    """A plain text file as one document without headings.

    Raises:
        InputError: binary content.
    """
    return Document(id=document_id, text=clean(decode(data)).strip("\n"))


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of ``data``: by byte order mark, UTF-8, UTF-16 without a mark, what it declares, or a guess.

    An encoding that the user named (:func:`~retrieval.parsing.encoding.assuming`) stands in place of the guess,
    unless the text cannot be in it. A :class:`DocumentWarning` names a guess that is not certain, and how many
    places could not be read.

    Args:
        declared: the encoding that the content itself names (a ``<meta charset>``, say).

    Raises:
        InputError: the content is binary, or not what its byte order mark says.
    """
    marked = marked_encoding(data)
    if marked:
        try:
            return data.decode(marked)
        except UnicodeDecodeError as error:
            raise InputError(
                f"found bytes that are not {marked} at byte {error.start} after its byte order mark, "
                "expected text in one encoding: save the file as UTF-8"
            ) from error
    sample = data[:_SAMPLE]
    wide = _utf16_without_mark(sample)
    if wide:
        try:
            return data.decode(wide)
        except UnicodeDecodeError:
            raise _binary() from None
    if _control_share(sample) > _MAX_CONTROL_SHARE:
        raise _binary()
    try:
        return data.decode("iso2022_jp_ext" if _JIS.search(sample) else "utf-8")
    except UnicodeDecodeError as error:
        first = error.start
    # Judged around the first foreign byte: a large file may well begin with pure ASCII.
    if _control_share(data[max(0, first - _SAMPLE // 2) : first + _SAMPLE // 2]) > _MAX_CONTROL_SHARE:
        raise _binary()
    named = declared_encoding(declared, data) if declared else None
    if named is not None:
        return _reported(data.decode(named, errors="replace"), named)
    text = data.decode("utf-8", errors="replace")
    if _is_mostly_right(text):
        return _reported(text, "UTF-8")
    assumed = assumed_encoding(data)
    if assumed is not None and _is_mostly_right(text := data.decode(assumed, errors="replace")):
        return _reported(text, assumed)
    encoding, rival = guessed_encoding(data, first)
    if rival is not None:
        _warn(
            f"found text whose encoding is not certain, read it as {encoding} (it may be {rival}): "
            "if its letters came out wrong, save the file as UTF-8, or name the encoding of such files under [ingest]"
        )
    return _reported(data.decode(encoding, errors="replace"), encoding)


def marked_encoding(data: bytes) -> str | None:
    """The encoding whose byte order mark the data begins with."""
    return next((encoding for mark, encoding in _BOMS if data.startswith(mark)), None)


def clean(text: str) -> str:
    """Newlines as ``\\n``; control characters and lone surrogates as a space."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x0c" in text:
        text = text.replace("\x0c", "\n")
    return _UNWANTED.sub(" ", text) if _UNWANTED.search(text) else text


def _binary() -> InputError:
    return InputError("found binary content, expected text: give the file the suffix of its format, or leave it out")


def _control_share(sample: bytes) -> float:
    return 1 - len(sample.translate(None, _CONTROL_BYTES)) / max(1, len(sample))


def _utf16_without_mark(sample: bytes) -> str | None:
    """The encoding of text with a zero in (nearly) every second byte."""
    zeros = sample[0::2].count(0), sample[1::2].count(0)
    pairs = len(sample) // 2
    if pairs == 0 or max(zeros) < 0.7 * pairs or min(zeros) > 0.05 * pairs:
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _is_mostly_right(text: str) -> bool:
    faults = text.count(_FAULT)
    return sum(character > "\x7f" for character in text) - faults > _MOSTLY * faults


def _reported(text: str, encoding: str) -> str:
    """The text, with a warning about bytes that the encoding does not have."""
    faults = text.count(_FAULT)
    if faults:
        _warn(f"found {faults} places that are not {encoding}, put {_FAULT} there: save the file as UTF-8")
    return text


def _warn(message: str) -> None:
    warnings.warn(DocumentWarning(message), stacklevel=3)
