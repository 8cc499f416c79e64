"""The text of a paragraph, a heading or a cell of Markdown: marks resolved, code in backticks, links with addresses."""

import re
from collections.abc import Sequence
from html import unescape
from typing import TYPE_CHECKING

from retrieval.parsing.notation import lowered, raised

if TYPE_CHECKING:
    from markdown_it.token import Token

# fmt: off
_HTML = frozenset([
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "blockquote", "br", "button", "center", "cite", "code",
    "data", "del", "details", "dfn", "div", "dd", "dl", "dt", "em", "figcaption", "figure", "font", "h1", "h2",
    "h3", "h4", "h5", "h6", "hr", "i", "iframe", "img", "input", "ins", "kbd", "label", "li", "mark", "nobr",
    "ol", "p", "picture", "pre", "q", "rp", "rt", "ruby", "s", "samp", "script", "section", "small", "source",
    "span", "strike", "strong", "style", "sub", "summary", "sup", "svg", "path", "table", "tbody", "td",
    "template", "th", "thead", "time", "tr", "tt", "u", "ul", "var", "video", "wbr", "audio", "nav", "header",
    "footer", "article", "aside", "main",
])
# fmt: on
_BREAKS = frozenset(["br", "p", "div", "li", "ul", "ol", "tr", "td", "th", "dt", "dd", "hr", "summary"])
_DROPPED = frozenset(["del", "s", "strike", "script", "style", "svg", "button"])
_TAG = re.compile(r"<(/?)([A-Za-z][\w:.-]*)([^<>]*?)(/?)>")
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_BADGE = re.compile(r"shields\.io|badge|codecov\.io|\bactions/workflows\b", re.IGNORECASE)
_ICON = re.compile(r":(?:material|octicons|fontawesome|simple|fas|far|fab|lucide)-[\w-]{1,80}:")
_NOTE_MARK = re.compile(r"\[\^([^\]\s]{1,100})\]")
_UNRESOLVED_LINK = re.compile(r"(?<![\w\])])\[([^\[\]]{1,300})\]\[[^\[\]]{0,300}\]")
_UNRESOLVED_CODE_LINK = re.compile(
    r"(?<![\w\])])\[([^\[\]`\n]{0,200}`[^`\n]{1,300}`[^\[\]\n]{0,200})\]\s?\[[^\[\]\n]{0,300}\]"
)
_WIKI_LINK = re.compile(r"\[\[(?:[^\[\]|]{1,200}\|)?([^\[\]|]{1,200})\]\]")
_LANGUAGE = re.compile(r"^#!\w+ (?=\S)")  # of MkDocs
_ROLE = re.compile(r"\{[\w:+-]{1,60}\}$")
_ROLE_TARGET = re.compile(r"[ \t]*<[^<>]*>$")
_MARKS = re.compile(
    r"(\+\+)(?=\w)([\w+\" -]{1,60})(?<=\w)\+\+|==(?=\S)([^=\n]{1,300})(?<=\S)==|\^\^(?=\S)([^\^\n]{1,300})\^\^"
)
_MAX_ADDRESS = 80
"""Longer ones say little to a reader and fill a chunk."""
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+", re.IGNORECASE)


class InlineText:
    """The text of a sequence of inline tokens.

    Args:
        shows_addresses: whether a link to another site is followed by its address.
    """

    def __init__(self, tokens: Sequence["Token"], closed: frozenset[str], *, shows_addresses: bool = True) -> None:
        self.notes: list[str] = []
        """Names of the footnotes that it refers to, in order."""
        self._closed = closed
        self._shows_addresses = shows_addresses
        self._parts: list[str] = []
        self._links: list[tuple[int, str]] = []  # where the open links begin, and what they lead to
        self._scripts: list[int] = []
        self._dropped = 0
        for token in tokens:
            self._token(token)
        self.text = _UNRESOLVED_CODE_LINK.sub(r"\1", "".join(self._parts))

    def _token(self, token: "Token") -> None:
        kind = token.type
        if kind in ("s_open", "s_close"):
            self._dropped += 1 if kind == "s_open" else -1
        elif kind == "html_inline":
            self._tag(token.content)
        elif self._dropped:
            return
        elif kind == "text":
            self._parts.append(self._plain(token.content))
        elif kind == "code_inline":
            self._code(token)
        elif kind in ("softbreak", "hardbreak"):
            self._parts.append("\n")
        elif kind == "image":
            self._image(token)
        elif kind == "link_open":
            self._links.append((len(self._parts), str(token.attrGet("href") or "")))
        elif kind == "link_close":
            self._end_link()
        elif kind == "math_inline":
            self._parts.append(f"${token.content}$")
        elif kind == "math_inline_double":
            self._parts.append(f"$${token.content}$$")
        elif not kind.endswith(("_open", "_close")):
            self._parts.append(token.content)

    def _plain(self, text: str) -> str:
        if ":" in text:
            text = _ICON.sub("", text)
        if "[" in text:
            self.notes += _NOTE_MARK.findall(text)
            text = _NOTE_MARK.sub("", text)
            text = _UNRESOLVED_LINK.sub(r"\1", _WIKI_LINK.sub(r"\1", text))
        if "++" in text or "==" in text or "^^" in text:
            text = _MARKS.sub(lambda match: match[2] or match[3] or match[4], text)
        return text

    def _code(self, token: "Token") -> None:
        content = _LANGUAGE.sub("", token.content)
        if self._parts and (role := _ROLE.search(self._parts[-1])):  # MyST: {ref}`text <target>`
            self._parts[-1] = self._parts[-1][: role.start()]
            content = _ROLE_TARGET.sub("", content).lstrip("~!") or content
        mark = "``" if "`" in content else "`"
        space = " " if content[:1] == "`" or content[-1:] == "`" else ""
        self._parts.append(f"{mark}{space}{content}{space}{mark}")

    def _image(self, token: "Token") -> None:
        if _BADGE.search(str(token.attrGet("src") or "")):
            return
        inner = InlineText(token.children or [], self._closed, shows_addresses=False)
        self._parts.append(inner.text)

    def _end_link(self) -> None:
        if not self._links:
            return
        start, address = self._links.pop()
        text = "".join(self._parts[start:])
        if self._shows_addresses and text.strip() and _ADDRESS.fullmatch(address):
            bare = address.split("://")[1].rstrip("/")
            if bare not in text and len(address) <= _MAX_ADDRESS:
                self._parts.append(f" ({address})")

    def _tag(self, source: str) -> None:
        match = _TAG.match(source)
        if match is None:  # a comment, a processing instruction
            return
        closing, name = bool(match[1]), match[2].lower()
        if name in _DROPPED:
            if not match[4]:
                self._dropped = max(0, self._dropped + (-1 if closing else 1))
        elif self._dropped:
            return
        elif name in _BREAKS:
            self._parts.append("\n")
        elif name in ("sub", "sup"):
            self._script(name, closing)
        elif name == "img":
            alt = _ALT.search(match[3])
            if alt and not _BADGE.search(match[3]):
                self._parts.append(unescape(alt[1] or alt[2] or ""))
        elif not self._is_markup(name, match):
            self._parts.append(source)

    def _is_markup(self, name: str, match: re.Match[str]) -> bool:
        """Whether a tag is one, rather than a placeholder such as ``<name>``."""
        return name in _HTML or bool(match[1] or match[4] or "=" in match[3]) or match[2] in self._closed

    def _script(self, name: str, closing: bool) -> None:
        if not closing:
            self._scripts.append(len(self._parts))
        elif self._scripts:
            start = self._scripts.pop()
            before = next((part for part in reversed(self._parts[max(0, start - 3) : start]) if part), "")
            text = "".join(self._parts[start:])
            self._parts[start:] = [raised(before, text) if name == "sup" else lowered(before, text)]
