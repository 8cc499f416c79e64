"""Subtitles (VTT, SRT): what is said, as sentences and paragraphs, without numbers and times.

Blocks of lines after a line with ``-->``: simpler than what pysubs2 and webvtt-py do, which keep times and styles
and refuse files whose times are damaged.
"""

import html
import re
from collections.abc import Iterator

from retrieval.documents import Document
from retrieval.errors import InputError
from retrieval.parsing.text import clean, decode

_TIMES = re.compile(r"^[ \t]*(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,]\d{1,3}[ \t]*-->[^\n]*$", re.MULTILINE)
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>|</>|<\d[\d:.]{0,20}>|\{\\[^{}\n]{0,200}\}")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,100})?[ \t]+([^<>\n]{1,100})>")
_NUMBER = re.compile(r"\n[ \t]*\d{1,7}[ \t]*\Z")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*$")
_PARAGRAPH = 600
"""Characters after which a sentence's end also ends the paragraph."""
_PAUSE = 8
"""Seconds without anything said that end a paragraph."""


def parse_subtitles(document_id: str, data: bytes, *, max_characters: int) -> Document:
    """A file of subtitles as one document; a speaker that is named begins a paragraph.

    Raises:
        InputError: binary content, or no line with times.
    """
    text = clean(decode(data))
    paragraphs: list[str] = []
    current = ""
    last = -1
    seen = ""
    for start, speaker, spoken in _cues(text):
        if spoken == seen:  # rolled-up captions show a line twice
            continue
        seen = spoken
        if current and (speaker or start - last > _PAUSE):
            paragraphs.append(current)
            current = ""
        last = start
        current = f"{current} {spoken}".strip() if not speaker else f"{speaker}: {spoken}"
        if len(current) > _PARAGRAPH and _SENTENCE_END.search(current):
            paragraphs.append(current)
            current = ""
    if current:
        paragraphs.append(current)
    return Document(id=document_id, text="\n\n".join(paragraphs))


def _cues(text: str) -> Iterator[tuple[int, str, str]]:
    """Second, speaker where a new one is named, and words of each cue."""
    marks = list(_TIMES.finditer(text))
    if not marks:
        raise InputError("found no line with times (00:00:01.000 --> 00:00:02.000), expected subtitles: leave it out")
    speaking = ""
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        body = text[mark.end() : following.start() if following else len(text)]
        if following is None or not _NUMBER.search(body.rstrip("\n")):
            body = body.strip("\n").split("\n\n")[0]
        else:
            body = _NUMBER.sub("", body.rstrip("\n"))
        body = body.strip().split("\n\n")[0]
        voice = _VOICE.search(body)
        speaker = html.unescape(voice[1]).strip() if voice else ""
        spoken = " ".join(html.unescape(_TAG.sub("", body)).split())
        if spoken:
            start = int(mark[1] or 0) * 3600 + int(mark[2]) * 60 + int(mark[3])
            yield start, speaker if speaker != speaking else "", spoken
            speaking = speaker or speaking
