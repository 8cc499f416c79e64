"""Org: headings, lists, tables, blocks; drawers and planning dropped."""

from retrieval.documents import Document
from retrieval.parsing.org import parse_org


def parse(source: str) -> Document:
    return parse_org("a.org", source.encode(), max_characters=1_000_000)


def test_headings_lists_and_blocks() -> None:
    document = parse(
        "#+TITLE: Pump manual\n#+OPTIONS: toc:nil\n* TODO [#A] Use *it* :water:old:\nSCHEDULED: <2026-01-01>\n"
        ":PROPERTIES:\n:ID: x\n:END:\nOil /it/ with =SAE=,\nsee [[https://x.org][the site]].\n"
        "# hidden\n\n- one\n  - [X] two\n"
        "1. first\n- Valve :: closes\n\n#+BEGIN_SRC python\nx = 1\n#+END_SRC\n\n#+begin_quote\nSaid.\n#+end_quote\n"
        "#+begin_comment\ngone\n#+end_comment\n** Care\nAfter.\n"
    )
    assert document.title == "Pump manual"
    assert document.text == (
        "Use it\n\nOil it with SAE, see the site.\n\n- one\n  - two\n1. first\n- Valve: closes\n\n"
        "```python\nx = 1\n```\n\nSaid.\n\nCare\n\nAfter."
    )
    assert [(h.level, h.text) for h in document.headings] == [(1, "Use it"), (2, "Care")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)


def test_tables_carry_their_names() -> None:
    assert parse("| Part | Price |\n|------+-------|\n| Pump | cheap |\n").text == "Part: Pump; Price: cheap"


def test_what_never_ends_is_read_to_the_end() -> None:
    assert parse("#+BEGIN_SRC\nx\n").text == "```\nx\n```"
    assert parse(":NOTES:\ntext\n* Next\n").text == "text\n\nNext"
