"""Subtitles: what is said, without numbers, times and tags."""

import pytest

from retrieval.errors import InputError
from retrieval.parsing.subtitles import parse_subtitles


def text(source: str) -> str:
    return parse_subtitles("a.vtt", source.encode(), max_characters=1_000_000).text


def test_lines_are_joined_to_sentences_and_pauses_end_paragraphs() -> None:
    source = (
        "1\n00:00:01,000 --> 00:00:02,000\n<i>Oil the</i>\n\n2\n00:00:02,000 --> 00:00:03,000\n"
        "pump daily &amp; well.\n\n"
        "3\n00:01:00,000 --> 00:01:02,000\n{\\an8}Then wait\nan hour.\n"
    )
    assert text(source) == "Oil the pump daily & well.\n\nThen wait an hour."


def test_speakers_begin_paragraphs_and_rolled_up_lines_stand_once() -> None:
    source = (
        "WEBVTT\n\nNOTE hidden\n\nSTYLE\n::cue {}\n\nintro\n00:01.000 --> 00:02.000 align:start\n<v Ann>Hello.</v>\n\n"
        "00:02.000 --> 00:03.000\n<v Ann>Hello.</v>\n\n00:03.000 --> 00:04.000\n<v Bob>And <00:03.500><c>you</c>?\n"
    )
    assert text(source) == "Ann: Hello.\n\nBob: And you?"


def test_what_has_no_times_is_refused() -> None:
    with pytest.raises(InputError, match="found no line with times"):
        text("WEBVTT\n\nwords\n")
