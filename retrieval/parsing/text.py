"""Bytes to text: encodings told apart, binary content refused, characters that break others removed.

Knows nothing about files or formats.
"""

import codecs
import re

from retrieval.documents import Document
from retrieval.errors import InputError

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
# What legacy files are written in; charset-normalizer chooses among these only, since among all
# that it knows it takes a German sentence for a Mac encoding or for Baltic.
_LEGACY = ["cp1252", "cp1250", "cp1251", "shift_jis", "gb18030", "big5", "euc_kr"]
_WESTERN_SHARE = 0.35
"""Of the letters: accents make 5 to 25 % of a line in French or German, Cyrillic and Asian letters nearly all."""


def parse_text(document_id: str, data: bytes) -> Document:
    """A plain text file as one document without headings.

    Raises:
        InputError: binary content.
    """
    return Document(id=document_id, text=clean(decode(data)).strip("\n"))


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of ``data``: by byte order mark, UTF-8, UTF-16 without a mark, what it declares, or a guess.

    Args:
        declared: the encoding that the content itself names (a ``<meta charset>``, say).

    Raises:
        InputError: the content is binary, or not what its byte order mark says.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise InputError(
                    f"found bytes that are not {encoding} at byte {error.start} after its byte order mark, "
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
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # Judged around the first foreign byte: a large file may well begin with pure ASCII.
        around = data[max(0, error.start - _SAMPLE // 2) : error.start + _SAMPLE // 2]
        if _control_share(around) > _MAX_CONTROL_SHARE:
            raise _binary() from None
        return data.decode(_legacy_encoding(around, declared), errors="replace")


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


def _legacy_encoding(sample: bytes, declared: str | None) -> str:
    if declared:
        try:
            name = codecs.lookup(declared).name
            sample[:64].decode(name, errors="replace")  # refuses rot13 and the like, which are no text encodings
        except (LookupError, UnicodeError):
            name = "utf-8"
        if name not in ("utf-8", "ascii"):
            return "cp1252" if name == "iso8859-1" else name
    letters = len(re.findall(rb"[A-Za-z\x80-\xff]", sample))
    high = len(re.findall(rb"[\x80-\xff]", sample))
    if high < _WESTERN_SHARE * letters and not _looks_central_european(sample):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_LEGACY).best()
    return best.encoding if best is not None else "cp1252"


def _looks_central_european(sample: bytes) -> bool:
    """Whether letters stand where cp1252 has signs (ą, ľ, ż, ś, ź, ť in cp1250) between ASCII letters."""
    return bool(re.search(rb"[A-Za-z][\xb9\xbe\xbf\x9c\x9f\x9d\xb3][a-z]", sample))
