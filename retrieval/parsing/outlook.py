"""MSG, Outlook's mails: the mail as a document, attachments of known formats documents below it.

python-oxmsg (MIT, by the author of python-docx) reads them; extract-msg, the better known one, is under the GPL.
Runs in the limited child process (``sandbox.py``).
"""

import codecs
from collections.abc import Iterator
from typing import Any

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.letter import Letter
from retrieval.parsing.members import Members
from retrieval.parsing.package import OLE, broken
from retrieval.parsing.rtf import parse_rtf

_TOLD_ELSEWHERE = (MemoryError, RecursionError, InputError)
_RTF = 0x1009
_DISPLAY_TO = 0x0E04


def parse_outlook(
    document_id: str, data: bytes, *, max_characters: int, members: Members | None = None
) -> Iterator[Document | InputError]:
    """The mail, then the documents of its attachments, ids ``mail.msg/name``.

    Raises:
        InputError: no MSG, broken, encrypted, or over a limit.
    """
    members = members or Members(max_characters)
    if not data.startswith(OLE):
        raise InputError("found no MSG header, expected an Outlook mail: give the file the suffix of its format")
    from oxmsg import Message

    codecs.register(_code_page)
    try:
        message = Message.load(data)
        if "SMIME" in message.message_class and not message.body:
            raise InputError("found an encrypted mail, expected one that can be read: save it decrypted")
        attachments = [(_name(one), one.file_bytes or b"") for one in message.attachments]
        letter = _letter(document_id, message, [name for name, _ in attachments], max_characters)
    except _TOLD_ELSEWHERE:
        raise
    except Exception as error:  # olefile's and struct's errors, KeyError and others come through for broken files
        raise broken("MSG", error) from error
    yield letter.document(document_id, max_characters)
    for name, content in attachments:
        if name:
            yield from members.read(document_id, name, len(content), lambda content=content: content)  # type: ignore[misc]


def _code_page(name: str) -> codecs.CodecInfo | None:
    """``windows-950`` and others, which the library names so and Python does not."""
    number = name.removeprefix("windows_").removeprefix("windows-")
    return codecs.lookup(f"cp{number}") if number != name and number.isdigit() and len(number) == 3 else None


def _letter(document_id: str, message: Any, attachments: list[str], max_characters: int) -> Letter:
    plain = message.body or ""
    page = (message.html_body or "").encode()
    if not plain.strip() and not page.strip():
        plain = _rich_text(document_id, message, max_characters)
    recipients = ", ".join(filter(None, (_address(one.name, one.email_address) for one in message.recipients)))
    date = message.sent_date
    return Letter(
        subject=message.subject,
        sender=_decoded(message.sender or ""),
        recipients=recipients or message.properties.str_prop_value(_DISPLAY_TO) or "",
        date=date.isoformat() if date else "",
        plain=plain,
        html=page,
        attachments=tuple(filter(None, attachments)),
    )


def _rich_text(document_id: str, message: Any, max_characters: int) -> str:
    """The body of mails that have it as compressed RTF only."""
    compressed = message.properties.binary_prop_value(_RTF)
    if not compressed:
        return ""
    from compressed_rtf import decompress

    return parse_rtf(document_id, decompress(compressed), max_characters=max_characters).text


def _address(name: str | None, address: str | None) -> str:
    name, address = (name or "").strip(), (address or "").strip()
    return f"{name} <{address}>" if name and address and name != address else name or address


def _decoded(value: str) -> str:
    """A header field without its encoding (``=?UTF-8?B?...?=``)."""
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _name(attachment: Any) -> str:
    return " ".join((attachment.file_name or "").replace("\\", "/").rpartition("/")[2].split())
