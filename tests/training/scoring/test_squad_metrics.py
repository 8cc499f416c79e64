"""SQuAD's own rule, kept to compare with the literature."""

import pytest

from training.scoring.squad_metrics import normalise, squad_exact_match, squad_f1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Eiffel Tower!", "eiffel tower"),
        ("a cat, an owl and the dog", "cat owl and dog"),
        ("1,490", "1490"),
        ("don't", "dont"),
        ("theatre", "theatre"),
        ("ÄRGER", "ärger"),
        ("", ""),
    ],
)
def test_normalise_as_squad_does(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_it_takes_15_for_1_5_which_is_why_nothing_is_decided_by_it() -> None:
    assert squad_exact_match("1.5 bar", ["15 bar"]) == 1.0
    assert squad_f1("43 mm", ["42 mm"]) == 0.5
    assert squad_f1("", ["+"]) == 0.0
