"""What generators of documentation add to Markdown, into plain Markdown: MkDocs, Docusaurus, Hugo, VitePress, GitHub.

Works line by line. Fenced code is never changed, except that it loses the indentation of the block around it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from retrieval.parsing.markdown_labels import call_label, label, parsed

_INDENT = 4
_MAX_LINE = 4000
"""Longer lines are taken as they are: no directive is that long."""
_MAX_LINES = 100
"""Lines of one tag, import or list of options."""
_FENCE = re.compile(r"^[ \t]*(?:>[ \t]*)*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})([^\n]*)$")
_ADMONITION = re.compile(r"^(?:!!!|\?\?\?\+?)[ \t]*([\w-]{1,50})(?:[ \t][\w \t-]{0,80})?(?:\"(.*)\")?$")
_TAB = re.compile(r"^===[!+]?[ \t]+\"(.*)\"$")
_SLASHES = re.compile(r"^/{3,}(?:[ \t]*([\w-]+)[ \t]*(?:\|(.*))?)?$")
_COLONS = re.compile(r"^:{3,}[ \t]*(?:\{([^}]{0,300})\}|([\w.-]+))?(?:\[([^\]]{0,300})\])?(?:\{[^}]{0,300}\})?(.*)$")
_ALERT = re.compile(r"^((?:>[ \t]*)+)\[!([A-Za-z]+)\][+-]?(.*)$")
_SNIPPET = re.compile(
    r"(?:-+8<-+(?:[ \t].*)?|\{!.*!\}|\{\*.*\*\}|<<<[ \t]*@?[\w./].*|\[!(?:INCLUDE|include|code)\b.*"
    r"|\[TOC\]|\[\[_?(?:toc|TOC)_?\]\]|\([\w:.-]+\)=)"
)
_SNIPPET_BLOCK = re.compile(r"-+8<-+")
_ATTRIBUTE = r"""(?>[.#][\w:.-]++|data-[\w-]++(?!=)
    |(?:target|rel|class|id|style|width|height|align|loading|title|download|markdown|lang
    |data-[\w-]++)=(?:"[^"]*+"|'[^']*+'|[^\s"'{}]++))"""
_ATTRIBUTES = re.compile(rf"(?<!\{{)\{{(?::?[ \t]*+(?:{_ATTRIBUTE}[ \t]*+){{1,50}}+|:toc)\}}(?!\}})", re.VERBOSE)
_OPTION = re.compile(r":[\w-]+:.*|[ \t]{4,}[\w-]+:.*")
_IMPORT = re.compile(r"import[ \t]{1,4}(?:[\w*$,{} \t]{1,300}\bfrom[ \t]{0,4})?['\"][^'\"]+['\"][ \t]*;?")
_IMPORT_BEGIN = re.compile(r"import[ \t]+(?:[\w$]+[ \t]*,[ \t]*)?\{[^}]*")
_EXPORT = re.compile(r"export[ \t]+(?:const|let|var|default|function|async|class)\b.*[=({;].*|export[ \t]*\{.*")
_SHORTCODE = re.compile(r"\{\{[<%](?!/\*)([^{}]{0,2000})[>%]\}\}")
_SHORTCODE_BEGIN = re.compile(r"\{\{[<%](?!/\*)[^{}]*$")
_SHORTCODE_LINK = re.compile(r"\[([^\[\]\n]{0,500})\]\([ \t\"]*\{\{[<%](?!/\*)[^{}]{0,2000}[>%]\}\}[^()\n]{0,200}\)")
_LIQUID = re.compile(r"\{%-?([^{}%]{0,500})-?%\}")
_HIGHLIGHT = re.compile(r"\{[{%][<%-]?[ \t]*highlight[ \t]+([\w+#-]+).*[%>-]?[%}]\}")
_HIGHLIGHT_END = re.compile(r"[ \t]*\{[{%][<%-]?[ \t]*(?:end|/)highlight[ \t]*[%>-]?[%}]\}[ \t]*")
_BRACES = r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}"
_JSX_ATTRIBUTE = re.compile(rf"(<[a-z][a-z0-9]{{0,20}})(?:\s+[\w-]{{1,50}}={_BRACES})+(?=\s*/?>)")
_COMPONENT = re.compile(
    rf"<(?P<close>/?)(?P<name>[A-Z][\w.]{{0,60}})"
    rf"(?P<arguments>(?:\s+[\w:.-]+(?:=(?:\"[^\"]*\"|'[^']*'|{_BRACES}))?|\s+{_BRACES})*)\s*(?P<self>/?)>|</?>"
)
_ELEMENT = re.compile(
    r"[ \t]*<(?:div|figure|figcaption|section|details|center|article|aside|main|header|p|summary)(?:\s[^<>]*)?>[ \t]*"
)
_CODE_SPAN = re.compile(r"(`+[^`]+`+)")
_NOTE = re.compile(r"\[\^([^\]\s]{1,100})\]:[ \t]*(.*)")
_DEFINITION = re.compile(r"[ ]{0,3}\[[^\[\]]{1,300}\]:")
_LINK_BEFORE_NOTE = re.compile(r"(\[(?!\^)[^\[\]]{1,300}\])(?=\[\^)")
"""Python's Markdown takes this for a link and a footnote, the standard for a link to the footnote's name."""
_NAMED_BY_COMMENT = re.compile(r"^(#{1,6}[ \t]+)<!--[ \t]*[\w-]+:[\w-]+[ \t]+(\S[^<>]{0,200}?)[ \t]*-->")
"""A heading that only MkDocs can show: ``### <!-- md:setting enabled -->``."""
_COMMENTS = {"<!--": "-->", "{/*": "*/}"}


@dataclass
class Plain:
    """Plain Markdown, and the footnotes that stood in it."""

    text: str
    notes: dict[str, str] = field(default_factory=dict)


def plain_markdown(source: str) -> Plain:
    """``source`` without what only its generator understands; titles of notes, tabs and cards stay as paragraphs."""
    reader = _Lines(source)
    return Plain("\n".join(reader.read()), reader.notes)


class _Lines:
    def __init__(self, source: str) -> None:
        self.notes: dict[str, str] = {}
        self._lines = source.split("\n")
        self._at = 0
        self._blocks: list[int] = []  # indentation of the open admonitions and tabs
        self._fence = ""
        self._table_end = 0  # the line up to which a blank one would end a table in HTML
        self._tabs: list[str] = []  # titles of Hugo's tabs that are given before the tabs
        self._unended: set[str] = set()  # comment marks that nothing ends any more
        self._closed = frozenset(re.findall(r"</([A-Z][\w.]{0,60})[ \t]*>", source))

    def read(self) -> Iterator[str]:
        within = False  # whether the last line was the tag of an element, whose content is Markdown like any other
        while self._at < len(self._lines):
            blocks = len(self._blocks)
            line = self._dedented(self._lines[self._at])
            self._at += 1
            if len(self._blocks) < blocks:
                yield ""
            if self._fence or len(line) > _MAX_LINE:
                yield self._in_fence(line)
            elif (opened := _FENCE.match(line)) and not (opened[1][0] == "`" and "`" in opened[2]):
                self._fence = opened[1]
                if within:
                    yield ""
                yield line
            else:
                line = self._without_comments(_NAMED_BY_COMMENT.sub(r"\1\2", line))
                if self._at <= self._table_end and not line.strip():
                    continue
                if within and not line.lstrip().startswith("<"):
                    line = line.strip()
                    yield ""
                within = bool(_ELEMENT.fullmatch(line))
                yield from self._line(line)

    def _line(self, line: str) -> Iterator[str]:
        text = line.strip()
        lowered = text[:6].lower()
        if lowered == "<table":
            self._close_gaps()
        elif lowered[:4] == "<pre" and "</pre" not in text.lower():
            self._fence = "</pre"
            yield line
            return
        elif "{{" in text and _SHORTCODE_BEGIN.search(text):
            line = f"{line} {self._next().strip()}"
            text = line.strip()
        indent = line[: len(line) - len(line.lstrip())]
        found = self._directive(text, indent) if text else None
        if found is None:
            yield self._inline(line)
            return
        yield ""
        if found:
            yield from (indent + found, "")

    def _in_fence(self, line: str) -> str:
        if self._fence == "</pre":
            if self._fence in line.lower():
                self._fence = ""
            return line
        if self._fence == "highlight":
            if not _HIGHLIGHT_END.fullmatch(line):
                return line
            line = "```"
        mark = line.strip().lstrip("> \t")
        if self._fence == "highlight" or (mark.startswith(self._fence) and not mark.strip(self._fence[:1] or " ")):
            self._fence = ""
        return line

    def _dedented(self, line: str) -> str:
        """The line without the indentation of the blocks that it stands in; blocks end with a line that has less."""
        if not self._blocks or not line.strip():
            return line
        expanded = line.expandtabs(_INDENT)
        width = len(expanded) - len(expanded.lstrip())
        while self._blocks and width < self._blocks[-1] + _INDENT:
            self._blocks.pop()
            self._fence = ""
        for _ in self._blocks:
            line = line[1:] if line.startswith("\t") else line[_INDENT:]
        return line

    def _directive(self, text: str, indent: str) -> str | None:
        """What stands for a line that is markup only (maybe nothing), or None for any other line."""
        if match := _ADMONITION.match(text):
            self._open(indent)
            return label(match[1], match[2] or "") or (f"{match[1].capitalize()}:" if match[2] is None else "")
        if match := _TAB.match(text):
            self._open(indent)
            return label("", match[1])
        if match := _SLASHES.match(text):
            self._skip_options()
            return label(match[1] or "", match[2] or "")
        if match := _COLONS.match(text):
            return self._colons(match)
        if match := _ALERT.match(text):
            found = label(match[2], match[3])
            return f"{match[1]}{found}" if found else None
        if match := _NOTE.fullmatch(text):
            self.notes[match[1]] = " ".join([match[2], *self._indented()])
            return ""
        if _SNIPPET.fullmatch(text):
            if _SNIPPET_BLOCK.fullmatch(text):
                self._skip_to(_SNIPPET_BLOCK)
            return ""
        if _ATTRIBUTES.fullmatch(text):
            return ""
        if match := _HIGHLIGHT.fullmatch(text):
            self._fence = "highlight"
            return f"```{match[1]}\n{self._in_fence(self._next())}"
        if not indent and text.startswith(("import", "export")):
            return self._module(text)
        if text.startswith(("{{", "{%")):
            return self._calls(text)
        return self._component(text) if text.startswith("<") else None

    def _open(self, indent: str) -> None:
        depth = self._blocks[-1] + _INDENT if self._blocks else 0
        self._blocks.append(depth + len(indent.expandtabs(_INDENT)))

    def _colons(self, match: re.Match[str]) -> str:
        attributes, name, title = match[1] or "", match[2] or "", match[3] or match[4].strip()
        if "." in name and not title:  # mkdocstrings: what stands here is made from code
            self._indented()
            return ""
        self._skip_options()
        if attributes:
            named, others = parsed(attributes)
            name, title = (others[0] if others else "").lstrip("."), title or named.get("title", "")
        return label(name, title)

    def _module(self, text: str) -> str | None:
        """Nothing for an import or export of MDX."""
        if _IMPORT.fullmatch(text):
            return ""
        if _IMPORT_BEGIN.fullmatch(text):
            self._skip_to(re.compile(r".*\}[ \t]*from[ \t]+['\"][^'\"]+['\"][ \t]*;?[ \t]*"))
            return ""
        if _EXPORT.fullmatch(text):
            if text.count("{") > text.count("}") or not text.endswith((";", "}")):
                self._skip_to(re.compile(r"[ \t]*"))
            return ""
        return None

    def _calls(self, text: str) -> str | None:
        """The labels of a line of shortcodes or template tags only."""
        if _LIQUID.sub("", _SHORTCODE.sub("", text)).strip():
            return None
        labels = []
        for match in re.finditer(f"{_SHORTCODE.pattern}|{_LIQUID.pattern}", text):
            name, _, arguments = (match[1] or match[2] or "").strip().partition(" ")
            if name == "tabs":
                self._tabs = list(parsed(arguments)[1])
                continue
            found = call_label(name, arguments)
            if not found and name in ("codetab", "tab") and self._tabs:
                found = label("", self._tabs.pop(0))
            labels.append(found or parsed(arguments)[0].get("text", ""))
        return " ".join(filter(None, labels))

    def _component(self, text: str) -> str | None:
        """The label of a component's tag at the beginning of a line, and what stands after it."""
        match = _COMPONENT.match(text)
        begun = self._at
        while (
            match is None and re.match(r"<[A-Z][\w.]*\s*$|<[A-Z][\w.]*\s[^<]*$", text) and self._at < len(self._lines)
        ):
            following = self._lines[self._at]
            if self._at - begun > _MAX_LINES or not following.strip() or len(text) > _MAX_LINE:
                break
            self._at += 1
            text = f"{text} {following.strip()}"
            match = _COMPONENT.match(text) if ">" in following else None
        if match is None or not self._is_markup(match):
            self._at = begun
            return None
        rest = self._inline(text[match.end() :]).strip()
        found = call_label(match["name"], match["arguments"]) if match["name"] and not match["close"] else ""
        return "\n\n".join(filter(None, (found, rest)))

    def _is_markup(self, match: re.Match[str]) -> bool:
        """Whether a tag is one, rather than a placeholder such as ``<Name>``."""
        return not match["name"] or bool(match["close"] or match["arguments"] or match["self"]) or (
            match["name"] in self._closed
        )  # fmt: skip

    def _inline(self, line: str) -> str:
        if "][^" in line:
            line = _outside_code(line, lambda text: _LINK_BEFORE_NOTE.sub(r"\1[]", text))
        if "{" in line:
            line = _outside_code(line, lambda text: _ATTRIBUTES.sub("", text))
        if "{{" in line:
            line = _outside_code(line, self._without_shortcodes)
        if "{%" in line:
            line = _outside_code(line, lambda text: _LIQUID.sub("", text))
        if "={" in line:
            line = _outside_code(line, lambda text: _JSX_ATTRIBUTE.sub(r"\1", text))
        if "<" in line:
            line = _outside_code(
                line, lambda text: _COMPONENT.sub(lambda tag: "" if self._is_markup(tag) else tag[0], text)
            )
        return line

    @staticmethod
    def _without_shortcodes(text: str) -> str:
        text = _SHORTCODE_LINK.sub(r"\1", text)
        return _SHORTCODE.sub(lambda call: parsed(call[1])[0].get("text", ""), text)

    def _without_comments(self, line: str) -> str:
        for begin, end in _COMMENTS.items():
            position = 0
            while begin not in self._unended and (start := line.find(begin, position)) >= 0:
                if line.count("`", 0, start) % 2:
                    position = start + len(begin)
                    continue
                head, tail = line[:start], line[start + len(begin) :]
                at = self._at
                while end not in tail and at < len(self._lines):
                    tail = self._lines[at]
                    at += 1
                if end not in tail:
                    self._unended.add(begin)
                    break
                self._at = at
                line = head + tail[tail.index(end) + len(end) :]
                position = start
        return line

    def _close_gaps(self) -> None:
        """Take the blank lines out of a table in HTML: in Markdown one would end it."""
        begin = "<table"
        if begin in self._unended:
            return
        for end in range(self._at, len(self._lines)):
            if "</table" in self._lines[end].lower():
                lines = list(filter(str.strip, self._lines[self._at : end]))
                self._lines[self._at : end] = lines
                self._table_end = self._at + len(lines)
                return
        self._unended.add(begin)

    def _next(self) -> str:
        if self._at >= len(self._lines):
            return ""
        self._at += 1
        return self._dedented(self._lines[self._at - 1])

    def _indented(self) -> list[str]:
        """The indented lines that follow, taken away."""
        found = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if (line.strip() and not line.startswith(("  ", "\t"))) or _DEFINITION.match(line):
                break
            self._at += 1
            found.append(line.strip())
        return found

    def _skip_options(self) -> None:
        """Pass over a block's settings, which stand before its content."""
        for _ in range(_MAX_LINES):
            if self._at >= len(self._lines) or not _OPTION.fullmatch(self._lines[self._at]):
                break
            self._at += 1

    def _skip_to(self, end: re.Pattern[str]) -> None:
        """Pass over the lines up to the one that ends the block; nothing, if none does."""
        for i in range(self._at, min(self._at + _MAX_LINES, len(self._lines))):
            if end.fullmatch(self._lines[i]):
                self._at = i + 1
                return


def _outside_code(line: str, change: Callable[[str], str]) -> str:
    """The line with its text changed and its spans of code as they are."""
    pieces = _CODE_SPAN.split(line)
    pieces[::2] = map(change, pieces[::2])
    return "".join(pieces)
