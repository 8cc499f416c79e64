from retrieval.languages import KNOWN, closest, spoken

GERMAN = "Die Wartungsintervalle der Kühlpumpen betragen sechs Monate."
SWEDISH = "Huvudventilernas provtryckning görs var tredje månad. Reservpumparna smörjs årligen."
ENGLISH = "The thermostat controls the evaporator temperature of unit K9."


def test_shares_are_of_the_text() -> None:
    found = spoken([GERMAN, SWEDISH, ENGLISH * 4, "主阀门的额定压力是十六巴。检修周期为三个月。", "E42 \x00\ufdd0"])
    assert next(iter(found)) == "en"
    assert set(found) == {"de", "sv", "en", "zh"}
    assert abs(sum(found.values()) - 1) < 1e-9


def test_nothing_to_tell_by() -> None:
    assert spoken([]) == {}
    assert spoken(["42", "---"]) == {}


def test_closest_among_some() -> None:
    assert closest(GERMAN, ("en", "de")) == "de"
    assert closest(SWEDISH, ("en", "de")) == "en"  # neither: the first
    assert closest("", ("fr", "en")) == "fr"


def test_codes() -> None:
    assert {"en", "de", "zh", "th", "he", "no", "vi"} <= KNOWN
    assert not {"iw", "xx", "un"} & KNOWN
