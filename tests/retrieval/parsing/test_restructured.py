"""RST: sections, lists, tables, code; directives and roles of Sphinx by their content."""

from docutils.parsers.rst import directives

from retrieval.documents import Document
from retrieval.parsing.restructured import parse_restructured


def parse(source: str) -> Document:
    return parse_restructured("a.rst", source.encode(), max_characters=1_000_000)


def test_sections_lists_and_code() -> None:
    document = parse(
        "Pump\n====\n\n:Author: Ann\n\nOil *it* with ``SAE``\nand see `the site <https://x.org>`_ [#n]_.\n\n"
        "Use\n---\n\n#. one\n#. two\n\n   * inner\n\n.. code-block:: python\n   :linenos:\n\n   x = 1\n\n"
        "Term\n   What it is.\n\n.. [#n] A note.\n\n.. a comment\n\n.. include:: /etc/passwd\n"
    )
    assert document.title == "Pump"
    assert document.text == (
        "Pump\n\nAuthor: Ann\n\nOil it with SAE and see the site [n].\n\nUse\n\n1. one\n2. two\n  - inner\n\n"
        "```python\nx = 1\n```\n\nTerm\n\nWhat it is.\n\n[n] A note."
    )
    assert [(h.level, h.text) for h in document.headings] == [(1, "Pump"), (2, "Use")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)


def test_sphinx_is_read_by_its_content() -> None:
    document = parse(
        ".. py:function:: drain(pump, *, hours=1)\n   :no-index:\n\n   Empty it. See :ref:`the manual <manual>` and\n"
        "   :class:`~pump.Valve`.\n\n   .. versionadded:: 1.2\n\n.. note:: Wear gloves.\n\n"
        ".. toctree::\n   :maxdepth: 2\n\n"
        "   install\n\n.. only:: html\n\n   Shown.\n\n.. tab-set::\n\n   .. tab-item:: Linux\n\n      Use apt.\n\n"
        "|release| is out.\n\n.. |release| replace:: 2.0\n"
    )
    assert document.text == (
        "drain(pump, *, hours=1)\n\nEmpty it. See the manual and pump.Valve.\n\nNew in version 1.2\n\n"
        "Note: Wear gloves.\n\nShown.\n\nLinux\n\nUse apt.\n\n2.0 is out."
    )


def test_tables_carry_their_names() -> None:
    document = parse(
        ".. list-table:: Prices\n   :header-rows: 1\n   :widths: auto\n\n   * - Part\n"
        "     - Price\n   * - Pump\n     - 42\n\n"
        "==== =====\nTown Code\n==== =====\nBonn 53111\n==== =====\n"
    )
    assert document.text == "Prices\n\nPart: Pump; Price: 42\n\nTown: Bonn; Code: 53111"


def test_what_is_malformed_still_gives_its_text_and_changes_nothing_outside() -> None:
    own = directives.directive
    document = parse("Title\n==\n\n*open and `broken_ |x\n\n.. figure::\n\n+--+\n|a\n\n.. nothing::\n")
    assert "open and" in document.text
    assert directives.directive is own


def test_roles_in_the_argument_of_a_directive_and_labels_of_other_projects() -> None:
    document = parse(
        ".. versionadded:: 1.2 The ``x`` of :code-tex:`a`.\n\nSee :ref:`python:lib/os:Walking a tree`, "
        ":doc:`the os page <python:library/os>`, :pep:`8#names` and :rst:dir:`py:module`.\n"
    )
    assert document.text == "New in version 1.2 The x of a.\n\nSee Walking a tree, the os page, PEP 8 and py:module."


def test_a_class_of_python_keeps_its_name_and_one_of_docutils_does_not() -> None:
    document = parse(
        ".. class:: Pump(size)\n\n   Moves water.\n\n   .. autoattribute:: size\n\n.. class:: wide-table\n\nText.\n\n"
        ".. autofunction:: run\n\n   By hand.\n"
    )
    assert document.text == "Pump(size)\n\nMoves water.\n\nText.\n\nrun\n\nBy hand."
