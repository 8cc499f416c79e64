"""Build the demo's PDF and DOCX documents from their Markdown sources.

Every ``sources/<path>.pdf.md`` becomes ``documents/<path>.pdf`` and every
``sources/<path>.docx.md`` becomes ``documents/<path>.docx``. The Markdown subset is
headings, paragraphs, bullet and numbered lists, and pipe tables; inline marks are
dropped. The same source always gives the same bytes.

Usage: ``python deploy/demo/build.py``
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from docx import Document
from fpdf import FPDF
from fpdf.enums import XPos, YPos

ROOT = Path(__file__).resolve().parent
SOURCES = ROOT / "sources"
DOCUMENTS = ROOT / "documents"
BUILT_AT = datetime(2025, 1, 1, tzinfo=UTC)
ZIP_TIME = (2025, 1, 1, 0, 0, 0)

HEADING = re.compile(r"(#{1,4})\s+(.*)")
BULLET = re.compile(r"[-*]\s+(.*)")
NUMBERED = re.compile(r"(\d+)\.\s+(.*)")
TABLE_RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*\|?")
INLINE = re.compile(r"(\*\*|`)(.+?)\1|(?<!\w)\*(\S[^*]*)\*(?!\w)")


@dataclass(frozen=True)
class Block:
    """One piece of a document: a heading, paragraph, list item or table."""

    kind: Literal["heading", "paragraph", "bullet", "numbered", "table"]
    text: str = ""
    number: int = 0  # heading level, or position in a numbered list
    rows: tuple[tuple[str, ...], ...] = ()


def plain(text: str) -> str:
    """Drop bold, italic and code marks."""
    return INLINE.sub(lambda match: match[2] or match[3], text.strip())


def parse(markdown: str) -> list[Block]:
    """Split the supported Markdown subset into blocks."""
    blocks: list[Block] = []
    paragraph: list[str] = []
    table: list[tuple[str, ...]] = []

    def flush() -> None:
        if paragraph:
            blocks.append(Block("paragraph", plain(" ".join(paragraph))))
            paragraph.clear()
        if table:
            blocks.append(Block("table", rows=tuple(table)))
            table.clear()

    for line in markdown.splitlines():
        stripped = line.strip()
        if stripped.startswith("|"):
            if paragraph:
                flush()
            if not TABLE_RULE.fullmatch(stripped):
                table.append(tuple(plain(cell) for cell in stripped.strip("|").split("|")))
        elif match := HEADING.fullmatch(stripped):
            flush()
            blocks.append(Block("heading", plain(match[2]), len(match[1])))
        elif match := BULLET.fullmatch(stripped):
            flush()
            blocks.append(Block("bullet", plain(match[1])))
        elif match := NUMBERED.fullmatch(stripped):
            flush()
            blocks.append(Block("numbered", plain(match[2]), int(match[1])))
        elif stripped:
            if table:
                flush()
            paragraph.append(stripped)
        else:
            flush()
    flush()
    return blocks


class Page(FPDF):
    """A4 page with a page number in the footer."""

    def footer(self) -> None:
        """Print the page number; called by fpdf2 at the end of each page."""
        self.set_y(-15)
        self.set_font("Helvetica", size=8)
        self.cell(0, 10, f"Page {self.page_no()}", align="C")


def build_pdf(blocks: Iterable[Block]) -> bytes:
    """Lay the blocks out as a PDF; text must fit the windows-1252 character set."""
    pdf = Page()
    pdf.core_fonts_encoding = "windows-1252"
    pdf.set_creation_date(BUILT_AT)
    pdf.set_margin(20)
    pdf.add_page()

    def write(text: str, size: float, style: Literal["", "B"] = "", indent: float = 0) -> None:
        pdf.set_font("Helvetica", style, size)
        pdf.set_x(pdf.l_margin + indent)
        pdf.multi_cell(0, size / 2, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        pdf.ln(1.5)

    for block in blocks:
        match block.kind:
            case "heading":
                pdf.ln(2)
                write(block.text, 20 - 3 * block.number, "B")
            case "paragraph":
                write(block.text, 10)
            case "bullet":
                write(f"• {block.text}", 10, indent=4)
            case "numbered":
                write(f"{block.number}. {block.text}", 10, indent=4)
            case "table":
                pdf.set_font("Helvetica", size=9)
                with pdf.table(block.rows, line_height=6, text_align="LEFT"):
                    pass  # the table is laid out on leaving the block
                pdf.ln(3)
    return bytes(pdf.output())


def build_docx(blocks: Iterable[Block]) -> bytes:
    """Lay the blocks out as a Word document."""
    document = Document()
    document.core_properties.created = BUILT_AT
    document.core_properties.modified = BUILT_AT
    for block in blocks:
        match block.kind:
            case "heading":
                document.add_heading(block.text, block.number)
            case "paragraph":
                document.add_paragraph(block.text)
            case "bullet":
                document.add_paragraph(block.text, style="List Bullet")
            case "numbered":  # typed numbers, so that each list starts where its source does
                document.add_paragraph(f"{block.number}. {block.text}", style="List")
            case "table":
                table = document.add_table(0, len(block.rows[0]), style="Table Grid")
                for row in block.rows:
                    for cell, text in zip(table.add_row().cells, row, strict=True):
                        cell.text = text
    packed = io.BytesIO()
    document.save(packed)
    return fixed_times(packed)


def fixed_times(packed: io.BytesIO) -> bytes:
    """Repack a zip archive with one fixed time stamp on every member."""
    repacked = io.BytesIO()
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(repacked, "w") as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name, ZIP_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, old.read(name))
    return repacked.getvalue()


BUILDERS: dict[str, Callable[[Iterable[Block]], bytes]] = {
    ".pdf": build_pdf,
    ".docx": build_docx,
}


def main() -> None:
    """Build every source and say what was written."""
    for source in sorted(SOURCES.rglob("*.md")):
        target = DOCUMENTS / source.relative_to(SOURCES).with_suffix("")
        if target.suffix not in BUILDERS:
            raise SystemExit(f"{source}: expected a name ending in .pdf.md or .docx.md")
        target.parent.mkdir(parents=True, exist_ok=True)
        blocks = parse(source.read_text(encoding="utf-8"))
        target.write_bytes(BUILDERS[target.suffix](blocks))
        print(target.relative_to(ROOT))


if __name__ == "__main__":
    main()
