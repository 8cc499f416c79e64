"""EML and MBOX: head, body and attachments; what is no mail is refused."""

from email.message import EmailMessage

import pytest

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.mail import parse_mail, parse_mailbox


def mail(**parts: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Pump ärgert"
    message["From"] = "Ann <ann@example.org>"
    message["To"] = "bob@example.org"
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0100"
    if "plain" in parts:
        message.set_content(parts["plain"])
    if "html" in parts:
        message.add_alternative(parts["html"], subtype="html")
    return message


def parse(data: bytes) -> list[Document | InputError]:
    return list(parse_mail("a.eml", data, max_characters=1_000_000))


def test_a_mail_gives_head_and_body() -> None:
    (document,) = parse(mail(plain="Es leckt.\n").as_bytes())
    assert isinstance(document, Document)
    assert document.title == "Pump ärgert"
    assert document.text == (
        "Pump ärgert\n\nFrom: Ann <ann@example.org>\nTo: bob@example.org\nDate: 2026-03-02T10:00:00+01:00\n\nEs leckt."
    )
    assert document.metadata == {"from": "Ann <ann@example.org>", "date": "2026-03-02T10:00:00+01:00"}


def test_an_html_body_counts_where_the_plain_one_says_nothing() -> None:
    page = "<h1>Leak</h1><p>" + "It drips at the seal. " * 5 + "</p>"
    (document,) = parse(mail(plain="See HTML.", html=page).as_bytes())
    assert isinstance(document, Document)
    assert "Leak\n\nIt drips" in document.text
    assert "See HTML" not in document.text
    assert [(h.level, h.text) for h in document.headings] == [(1, "Pump ärgert"), (2, "Leak")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)
    (document,) = parse(mail(plain="It drips at the seal.", html="<p>It drips at the seal.").as_bytes())
    assert isinstance(document, Document)
    assert document.text.endswith("\n\nIt drips at the seal.")


def test_attachments_are_documents_below_the_mail() -> None:
    message = mail(plain="See there.")
    message.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="t.csv")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="i.png")
    message.add_attachment(b"words", maintype="application", subtype="pdf", filename="broken.pdf")
    first, table, failed = parse(message.as_bytes())
    assert isinstance(first, Document)
    assert "Attachments: t.csv, i.png, broken.pdf" in first.text
    assert isinstance(table, Document)
    assert (table.id, table.text, table.title) == ("a.eml/t.csv", "a: 1; b: 2", "t")
    assert str(failed).startswith("broken.pdf: found no PDF header")


def test_character_sets_that_lie_are_seen_through() -> None:
    data = b"Subject: x\nContent-Type: text/plain; charset=nonsense\nContent-Transfer-Encoding: 8bit\n\ncaf\xc3\xa9\n"
    (document,) = parse(data)
    assert isinstance(document, Document)
    assert document.text.endswith("café")


def test_a_mail_saved_as_utf16_is_read() -> None:
    (document,) = parse("Subject: Pump\nFrom: a@example.org\n\nEs tröpfelt.\n".encode("utf-16"))
    assert isinstance(document, Document)
    assert document.title == "Pump"
    assert document.text.endswith("Es tröpfelt.")


def test_what_is_no_mail_is_refused() -> None:
    with pytest.raises(InputError, match="found no mail"):
        parse(b"words without a head\n")
    with pytest.raises(InputError, match="found an encrypted mail"):
        parse(b"Subject: x\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB\n")


def test_parts_nested_without_end_are_refused() -> None:
    data = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(60))
    with pytest.raises(InputError, match="levels in it"):
        parse(data + b"\nwords")


def test_a_mailbox_gives_each_mail() -> None:
    box = b"".join(b"From x Mon Mar  2 10:00:00 2026\n" + mail(plain=f"Mail {i}.").as_bytes() + b"\n" for i in (1, 2))
    documents = list(parse_mailbox("a.mbox", box, max_characters=100_000))
    assert [d.id for d in documents if isinstance(d, Document)] == ["a.mbox/1.eml", "a.mbox/2.eml"]
    assert [d.text[-7:] for d in documents if isinstance(d, Document)] == ["Mail 1.", "Mail 2."]
    with pytest.raises(InputError, match="found no mailbox"):
        list(parse_mailbox("a.mbox", b"words", max_characters=100))
