import pytest

from service.http.text_stream import Shown, Stopped, Trimmed


def test_white_space_at_both_ends_is_never_shown():
    text = Trimmed()
    assert [text.push(piece) for piece in (" ", "\n a", " ", " b ", "\n", "")] == ["", "a", "", "  b", "", ""]
    assert text.whole == "a  b"


@pytest.mark.parametrize(
    ("stops", "shown"),
    [
        (("\n\n",), "One. Two"),
        (("wo",), "One. T"),
        (("Two\n\nThree", "One. Three"), "One."),
        (("Four", "e.\n"), "One. Two\n\nThree."),
        (("One",), ""),
        ((), "One. Two\n\nThree."),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_a_text_ends_before_its_first_stop_sequence_however_it_comes(stops, shown, size):
    text = "One. Two\n\nThree."
    stream = Shown(stops=stops)
    pieces = [stream.push(text[start : start + size]) for start in range(0, len(text), size)]
    pieces.append(stream.finish())
    assert "".join(pieces) == stream.whole == shown
    assert stream.ended == (shown != text)


def test_what_cannot_begin_a_stop_sequence_is_shown_at_once():
    stream = Stopped(["STOP"])
    assert [stream.push(piece) for piece in ("go S", "T", "A", "ST", "OP on")] == ["go ", "", "STA", "", ""]
    assert stream.ended


def test_what_the_model_thinks_ends_nothing():
    stream = Shown(stops=["36"])
    assert stream.push("<think>It is 36.</think> It is 12.") == "It is 12."
    assert not stream.ended
