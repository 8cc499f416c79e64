"""PO: messages with their translations."""

import pytest

from retrieval.errors import InputError
from retrieval.parsing.translations import parse_translations

HEAD = 'msgid ""\nmsgstr ""\n"Language: de\\n"\n"Content-Type: text/plain; charset={}\\n"\n\n'


def test_messages_stand_with_their_translations() -> None:
    source = HEAD.format("ISO-8859-1") + (
        '#: a.c:1\nmsgctxt "menu"\nmsgid "Open"\nmsgstr "Öffnen"\n\nmsgid "%d file"\nmsgid_plural "%d files"\n'
        'msgstr[0] "%d Datei"\nmsgstr[1] "%d Dateien"\n\nmsgid "untranslated"\nmsgstr ""\n\n'
        '#~ msgid "old"\n#~ msgstr "alt"\n'
    )
    document = parse_translations("a.po", source.encode("latin-1"), max_characters=1_000_000)
    assert document.text == "(menu)\nOpen\nÖffnen\n\n%d file\n%d files\n%d Datei\n%d Dateien\n\nuntranslated"
    assert document.metadata == {"language": "de"}


def test_damaged_files_and_empty_ones_are_refused() -> None:
    with pytest.raises(InputError, match="found a broken PO") as caught:
        parse_translations("a.po", b'msgid "open\nmsgstr', max_characters=100)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="found no messages"):
        parse_translations("a.po", HEAD.format("UTF-8").encode(), max_characters=100)
