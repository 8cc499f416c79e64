"""TeX and LaTeX: sections, paragraphs, lists, tables, code; formulas stay as they are written.

pylatexenc (MIT, no dependencies) turns commands into text; the structure above paragraphs is read here. Runs in the
limited child process (``sandbox.py``).
"""

import re
from functools import lru_cache
from typing import Any

from retrieval.documents import Document
from retrieval.parsing.columns import Table
from retrieval.parsing.outline import Outline
from retrieval.parsing.text import clean, decode

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\n?[ \t]*")
_VERBATIM = re.compile(
    r"\\begin\{(verbatim\*?|Verbatim|lstlisting|minted|alltt|comment|filecontents\*?)\}(.*?)\\end\{\1\}", re.DOTALL
)
_DROPPED = re.compile(r"\\begin\{(tikzpicture|pgfpicture|picture|CCSXML|thebibliography\*)\}.*?\\end\{\1\}", re.DOTALL)
_OPTIONS = re.compile(r"\A\s*(?:\[[^\[\]\n]*\])?(?:\{[^{}\n]*\})?[ \t]*\n")
_LEVELS = {
    "part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5, "subparagraph": 6,
    "frametitle": 3,
}  # fmt: skip
_TOKEN = re.compile(
    r"\\(?P<section>part|chapter|section|subsection|subsubsection|paragraph|subparagraph|frametitle)\*?"
    r"[ \t\n]*(?:\[[^\[\]]{0,500}\])?[ \t\n]*(?=\{)"
    r"|\\begin\{(?P<begin>[A-Za-z]{1,40}\*?)\}"
    r"|\\end\{(?P<end>[A-Za-z]{1,40}\*?)\}"
    r"|\\item\b[ \t]*(?:\[(?P<label>[^\[\]\n]{0,300})\])?"
    r"|(?P<bibitem>\\bibitem)(?:\[[^\[\]]{0,200}\])?(?=\{)"
    r"|(?P<blank>\n[ \t]*\n\s*)"
    r"|(?P<code>\ue110\d+\ue111)"
)
_TABLES = frozenset(["tabular", "tabular*", "tabularx", "longtable", "tabu", "array"])
_LISTS = frozenset(["itemize", "enumerate", "description", "compactitem", "compactenum"])
_FORMULAS = frozenset(["equation", "align", "gather", "multline", "eqnarray", "displaymath", "math", "flalign"])
_RULES = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|endhead|endfirsthead|endfoot|endlastfoot|cline\{[^{}]*\}"
    r"|cmidrule(?:\([^()]*\))?\{[^{}]*\}|addlinespace(?:\[[^\]]*\])?)"
)
_ROW_END = re.compile(r"\\\\(?:\[[^\[\]]{0,20}\])?|\\tabularnewline\b")
_CELL_END = re.compile(r"(?<!\\)&")
_MULTICOLUMN = re.compile(r"\s*\\multicolumn\{(\d{1,3})\}\{[^{}]*\}")
_MULTIROW = re.compile(r"\\multirow\{(\d{1,3})\}(?:\[[^\]]*\])?\{[^{}]*\}")
_TITLE = re.compile(r"\\(?:title|Title)\s*(?:\[[^\[\]]{0,500}\])?\s*(?=\{)")
_KEPT = re.compile("\ue120(\\d{1,9})\ue121")
_DROPPED_COMMANDS = re.compile(
    r"\\(?:maketitle|tableofcontents|noindent|newpage|clearpage|centering|listoffigures|listoftables|appendix)\b"
    r"|\\(?:label|index|[vh]space\*?|bibliographystyle|bibliography|includegraphics|input|include|thispagestyle"
    r"|pagestyle|pagenumbering|setlength\{[^{}]*\}|setcounter\{[^{}]*\}|renewcommand\{[^{}]*\})\s{0,3}(?:\[[^\[\]]*\])?\{[^{}]*\}"
)
_LABEL = re.compile(r"\\label\{[^{}]*\}")
_REFERENCE = re.compile(r"~?\\(?:auto|eq|c|C|page|name)?ref\*?\{([^{}]*)\}")
_CITATION = re.compile(r"~?\\[cC]ite[a-zA-Z]*\*?(?:\[[^\[\]]*\]){0,2}\{([^{}]*)\}")
_MATH = re.compile(r"(?<!\\)(\$\$.{1,5000}?\$\$|\$[^$]{1,2000}\$|\\\[.{1,5000}?\\\]|\\\(.{1,2000}?\\\))", re.DOTALL)
_SIGNS = (("---", "\u2014"), ("--", "\u2013"), ("``", "\u201c"), ("''", "\u201d"), ("\\~", "\\\ue122"), ("~", " "),
          ("\ue122", "~"))  # fmt: skip
_DEFINITION = re.compile(
    r"\\(?:(?:re)?newcommand\*?\s{0,3}\{?\\(?P<name>[A-Za-z]{2,40})\}?|def\\(?P<plain>[A-Za-z]{2,40}))(?=\{)"
)
_MAX_DEFINITION = 200
_MAX_ARGUMENT = 3_000


def parse_tex(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A TeX file as one document, what stands before ``\\begin{document}`` left out; its title is ``\\title``.

    Raises:
        InputError: binary content, or over the limit.
    """
    text = clean(decode(data))
    blocks: list[tuple[str, str]] = []

    def keep(match: re.Match[str]) -> str:
        if match[1] not in ("comment", "filecontents", "filecontents*"):
            blocks.append((match[1], _OPTIONS.sub("", match[2], count=1)))
            return f"\n\n\ue110{len(blocks) - 1}\ue111\n\n"
        return "\n"

    text = _VERBATIM.sub(keep, text)
    text = _expanded(_COMMENT.sub(r"\1", text))
    title = ""
    if match := _TITLE.search(text):
        title = " ".join(_plain(_argument(text, match.end())[0]).split())
    begin = text.find("\\begin{document}")
    if begin >= 0:
        end = text.find("\\end{document}", begin)
        text = text[begin + len("\\begin{document}") : end if end >= 0 else None]
    text = _DROPPED.sub("", text)
    outline = Outline(max_characters)
    if title and begin >= 0:
        outline.heading(1, title)
    _Reader(outline, text, [content for _, content in blocks]).read()
    return outline.document(document_id, title, {})


class _Reader:
    def __init__(self, outline: Outline, text: str, blocks: list[str]) -> None:
        self.outline = outline
        self._text = text
        self._blocks = blocks
        self._lists: list[tuple[str, int]] = []
        self._mark: str | None = None
        self._pending = ""

    def read(self) -> None:
        position = 0
        while match := _TOKEN.search(self._text, position):
            self._pending += self._text[position : match.start()]
            position = self._token(match)
        self._pending += self._text[position:]
        self._flush()

    def _token(self, match: re.Match[str]) -> int:
        """Reads what begins here; the offset after it."""
        end = match.end()
        if match["section"]:
            self._flush()
            name, end = _argument(self._text, end)
            self.outline.heading(_LEVELS[match["section"]], " ".join(_plain(name).split()))
        elif match["begin"]:
            return self._begin(match["begin"], end)
        elif match["end"]:
            self._flush()
            if match["end"] in _LISTS and self._lists:
                self._lists.pop()
        elif match["bibitem"]:
            self._flush()
            key, end = _argument(self._text, end)
            self._mark = f"[{key}]"
        elif match["blank"]:
            self._flush()
        elif match["code"]:
            self._flush()
            number = int(match["code"][1:-1])
            self.outline.code(self._blocks[number] if number < len(self._blocks) else "")
        else:
            self._item(match["label"])
        return end

    def _begin(self, name: str, end: int) -> int:
        bare = name.rstrip("*")
        if name in _TABLES:
            self._flush()
            close = self._text.find(f"\\end{{{name}}}", end)
            body = self._text[end : close if close >= 0 else None]
            self._table(body, name)
            return close + len(f"\\end{{{name}}}") if close >= 0 else len(self._text)
        if bare in _FORMULAS:
            close = self._text.find(f"\\end{{{name}}}", end)
            body = self._text[end : close if close >= 0 else None]
            self._flush()
            self.outline.paragraph(f"$$ {' '.join(_LABEL.sub('', body).split())} $$")
            return close + len(f"\\end{{{name}}}") if close >= 0 else len(self._text)
        self._flush()
        if name in _LISTS:
            self._lists.append((name, 0))
        while end < len(self._text) and self._text[end] in "[{" and bare not in ("abstract", "document", "quote"):
            argument, after = _argument(self._text, end)
            if bare == "frame" and self._text[end] == "{":
                self.outline.heading(3, " ".join(_plain(argument).split()))
            end = after
        return end

    def _item(self, label: str | None) -> None:
        self._flush()
        depth = max(0, len(self._lists) - 1)
        mark = "-"
        if self._lists and self._lists[-1][0] in ("enumerate", "compactenum"):
            name, count = self._lists[-1]
            self._lists[-1] = (name, count + 1)
            mark = f"{count + 1}."
        self._mark = "  " * min(depth, 8) + (f"{mark} {_plain(label)}:" if label and label.strip() else mark)

    def _flush(self) -> None:
        text, self._pending = self._pending, ""
        if not text.strip():
            return
        text = " ".join(_plain(text).split())
        mark, self._mark = self._mark, None
        if mark is not None:
            self.outline.item(f"{mark} {text}")
        else:
            self.outline.paragraph(text)

    def _table(self, body: str, name: str) -> None:
        start = 0
        for _ in range(2 if name in ("tabular*", "tabularx") else 1):
            while start < len(body) and body[start] in "[ \n":
                start = body.find("]", start) + 1 if body[start] == "[" else start + 1
                if start == 0:
                    return
            if start < len(body) and body[start] == "{":
                _, start = _argument(body, start)
        table = Table()
        for row in _ROW_END.split(_RULES.sub(" ", body[start:])):
            cells = []
            for cell in _CELL_END.split(row):
                across = _MULTICOLUMN.match(cell)
                down = _MULTIROW.search(cell)
                cell = _MULTIROW.sub("", cell[across.end() :] if across else cell)
                text = " ".join(_plain(cell).split())
                cells.append((text, int(down[1]) if down else 1, int(across[1]) if across else 1))
            if any(text for text, _, _ in cells):
                table.row(cells)
        self.outline.table(table)


def _expanded(text: str) -> str:
    """With the commands without arguments that the file itself defines (names of products, mostly) in place."""
    known: dict[str, str] = {}
    for match in _DEFINITION.finditer(text):
        value, _ = _argument(text, match.end(), _MAX_DEFINITION)
        if value and "#" not in value and len(value) <= _MAX_DEFINITION and len(known) < _MAX_DEFINITION:
            known[match["name"] or match["plain"]] = value
    if not known:
        return text
    use = re.compile(
        rf"(?<!\\)\\({'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})(?![A-Za-z])(?:\{{\}})?"
    )
    begin = max(text.find("\\begin{document}"), 0)
    body = text[begin:]
    for _ in range(2):  # a definition may use another one
        body = use.sub(lambda match: known[match[1]], body)
    return text[:begin] + body


def _argument(text: str, start: int, longest: int = _MAX_ARGUMENT) -> tuple[str, int]:
    """What stands in the braces or brackets at ``start``, and the offset after them."""
    opening = text[start : start + 1]
    closing = {"{": "}", "[": "]"}.get(opening, "")
    depth = 0
    for match in re.finditer(r"\\.|[{}\[\]]", text[start : start + longest], re.DOTALL):
        if match[0] == opening:
            depth += 1
        elif match[0] == closing:
            depth -= 1
            if depth == 0:
                return text[start + 1 : start + match.start()], start + match.end()
    return "", start + 1


@lru_cache(maxsize=1)
def _converter() -> tuple[Any, Any]:
    """The converter, and the commands that it knows; built once, and without the signs that :data:`_SIGNS` holds."""
    from pylatexenc.latex2text import LatexNodes2Text
    from pylatexenc.latexwalker import get_default_latex_context_db

    known = get_default_latex_context_db().filter_context(keep_which=["macros", "environments"])
    return LatexNodes2Text(math_mode="verbatim", strict_latex_spaces=False, keep_comments=False), known


def _plain(source: str) -> str:
    """A paragraph's commands as text; formulas stay as they are."""
    source = _CITATION.sub(r" [\1]", _REFERENCE.sub(r" \1", _DROPPED_COMMANDS.sub("", source)))
    formulas: list[str] = []

    def keep(match: re.Match[str]) -> str:
        formulas.append(match[0])
        return f"\ue120{len(formulas) - 1}\ue121"

    source = _MATH.sub(keep, source)
    for sign, character in _SIGNS:
        source = source.replace(sign, character)
    if "\\" in source or "{" in source:
        converter, known = _converter()
        try:
            source = str(converter.latex_to_text(source, latex_context=known))
        except MemoryError:
            raise
        except Exception:  # nested too deeply, or malformed: the library lets IndexError and others through
            source = source.replace("{", "").replace("}", "")
    return _KEPT.sub(lambda match: formulas[int(match[1])] if int(match[1]) < len(formulas) else "", source)
