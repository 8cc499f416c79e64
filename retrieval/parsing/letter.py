"""A mail as a document: subject as its title, then who wrote to whom and when, then what was written."""

from dataclasses import dataclass

from retrieval.documents import Document
from retrieval.parsing.html import parse_html
from retrieval.parsing.outline import Outline
from retrieval.parsing.text import clean

_WORTH = 4
"""A plain body shorter than one part in so many of the HTML body's text only says that there is one."""


@dataclass(frozen=True)
class Letter:
    """What the formats of mails have in common."""

    subject: str = ""
    sender: str = ""
    recipients: str = ""
    date: str = ""
    """ISO 8601 where it could be read."""
    plain: str = ""
    html: bytes = b""
    attachments: tuple[str, ...] = ()
    """Their names."""

    def document(self, document_id: str, max_characters: int) -> Document:
        """The mail without its attachments' content.

        Raises:
            InputError: more text than the limit.
        """
        outline = Outline(max_characters)
        outline.heading(1, self.subject)
        fields = {"From": self.sender, "To": self.recipients, "Date": self.date}
        for name, value in fields.items():
            if value.strip():
                outline.item(f"{name}: {' '.join(value.split())}")
        if self.attachments:
            outline.item(f"Attachments: {', '.join(self.attachments)}")
        page = parse_html(document_id, self.html, max_characters=max_characters) if self.html.strip() else None
        plain = clean(self.plain).strip()
        if page is not None and len(plain) * _WORTH < len(page.text):
            outline.include(page, below=1)
        else:
            outline.paragraph(plain)
        metadata: dict[str, str | int | float | bool] = {
            key: " ".join(value.split()) for key, value in (("from", self.sender), ("date", self.date)) if value.strip()
        }
        return outline.document(document_id, self.subject, metadata)
