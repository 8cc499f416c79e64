"""EML and MBOX: each mail a document, its attachments of known formats documents below it.

The standard library's ``email`` reads them. Runs in the limited child process (``sandbox.py``).
"""

import email
import email.policy
import email.utils
import re
from collections.abc import Iterator
from email.message import EmailMessage

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.letter import Letter
from retrieval.parsing.members import Members
from retrieval.parsing.text import decode

_FIELD = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:From [^\n]{0,500}\n)?[ \t\r\n]{0,200}[A-Za-z][A-Za-z0-9-]{0,80}[ \t]?:")
_FROM_LINE = re.compile(rb"^From [^\n]{0,500}\r?\n(?=[A-Za-z][A-Za-z0-9-]{0,80}:)", re.MULTILINE)
_MAX_PARTS = 1_000
_MAX_NESTED = 50
_ENCRYPTED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted")


def parse_mail(
    document_id: str, data: bytes, *, max_characters: int, members: Members | None = None
) -> Iterator[Document | InputError]:
    """The mail, then the documents of its attachments, ids ``mail.eml/name``.

    Raises:
        InputError: no mail, encrypted, or over a limit.
    """
    members = members or Members(max_characters)
    if b"\0" in data[:64]:  # in UTF-16, as programs that show mails save them
        data = decode(data).encode()
    if not _FIELD.match(data):
        raise InputError("found no mail (its first line is no header field), expected EML: leave it out")
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    parts = _parts(message)
    letter = _letter(message, parts)
    encrypted = any(
        part.get_content_type() in _ENCRYPTED and _parameter(part, "smime-type") != "signed-data" for part in parts
    )
    if encrypted and not (letter.plain or letter.html):
        raise InputError("found an encrypted mail, expected one that can be read: save it decrypted")
    yield letter.document(document_id, max_characters)
    for number, part in enumerate(part for part in parts if _is_attachment(part)):
        name = _file_name(part) or f"attachment {number + 1}"
        content = _bytes(part)
        yield from members.read(document_id, name, len(content), lambda content=content: content)  # type: ignore[misc]


def parse_mailbox(
    document_id: str, data: bytes, *, max_characters: int, members: Members | None = None
) -> Iterator[Document | InputError]:
    """The mails of an MBOX file, ids ``box.mbox/1`` and so on; a mail that cannot be read is named.

    Raises:
        InputError: no mailbox, or over a limit.
    """
    members = members or Members(max_characters)
    starts = [match.start() for match in _FROM_LINE.finditer(data)]
    if not starts or starts[0] > 2:
        raise InputError(
            'found no mailbox (no line "From ..." with a mail\'s head below it), expected MBOX: leave it out'
        )
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(data)], strict=True), start=1):
        mail = data[data.index(b"\n", start) + 1 : end].replace(b"\n>From ", b"\nFrom ")
        yield from members.read(document_id, f"{number}.eml", len(mail), lambda mail=mail: mail)  # type: ignore[misc]


def _letter(message: EmailMessage, parts: list[EmailMessage]) -> Letter:
    bodies = [part for part in parts if not _is_attachment(part)]
    plain = [_text(part) for part in bodies if part.get_content_type() == "text/plain"]
    pages = [_text(part) for part in bodies if part.get_content_type() == "text/html"]
    return Letter(
        subject=_header(message, "subject"),
        sender=_header(message, "from"),
        recipients=_header(message, "to"),
        date=_date(_header(message, "date")),
        plain="\n\n".join(plain),
        html="\n".join(pages).encode(),
        attachments=tuple(filter(None, (_file_name(part) for part in parts if _is_attachment(part)))),
    )


def _parts(message: EmailMessage) -> list[EmailMessage]:
    """The parts that hold content, in order, those of forwarded mails too."""
    parts: list[EmailMessage] = []
    waiting = [(message, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > _MAX_NESTED or len(parts) > _MAX_PARTS:
            raise InputError(f"found more than {_MAX_PARTS} parts or {_MAX_NESTED} levels in it, expected a mail")
        content = part.get_payload()
        if part.is_multipart() and isinstance(content, list):
            waiting += [(one, depth + 1) for one in reversed(content) if isinstance(one, EmailMessage)]
        else:
            parts.append(part)
    return parts


def _is_attachment(part: EmailMessage) -> bool:
    if part.get_content_type() in ("text/plain", "text/html"):
        return _disposition(part) == "attachment"
    return True


def _disposition(part: EmailMessage) -> str:
    return _header(part, "content-disposition").split(";")[0].strip().lower()


def _parameter(part: EmailMessage, name: str) -> str:
    try:
        return str(part.get_param(name) or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name) or "")
    except Exception:  # the library's parser of headers fails in many ways over malformed ones
        return next((str(value) for key, value in message.raw_items() if key.lower() == name), "")


def _file_name(part: EmailMessage) -> str:
    try:
        name = part.get_filename() or ""
    except Exception:  # as above
        name = ""
    return " ".join(name.replace("\\", "/").rpartition("/")[2].split())


def _bytes(part: EmailMessage) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        return b""
    return content if isinstance(content, bytes) else b""


def _text(part: EmailMessage) -> str:
    """A text part by its declared character set; by what its bytes look like where that is wrong."""
    content = _bytes(part)
    return decode(content, _parameter(part, "charset") or None) if content.strip() else ""


def _date(value: str) -> str:
    try:
        return email.utils.parsedate_to_datetime(value).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return value
