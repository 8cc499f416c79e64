from pathlib import Path
from random import Random

import pytest

from retrieval.prompt import Prompt
from training.starter.prose import Prose, documentation, folder
from training.starter.questions import Questions

PROMPT = Prompt()
SENTENCES = "The {n} river rises in the {n} hills near Oldtown. It is {n}0 km long and flows west. Boats use it in May."


@pytest.fixture
def people() -> Questions:
    found = Questions()
    for n in range(5):
        found.paragraph(f"p{n}", "rivers", "Rivers", SENTENCES.format(n=n))
        found.question(f"How long is {n}?", [f"{n}0 km"], f"p{n}")
        found.unanswerable.append((f"Who owns {n}?", f"p{n}"))
    return found


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_answers_stand_in_the_passage_that_is_cited(people, level):
    prose = Prose(Random(3), PROMPT, people, ["Python is a language. It has many libraries and a large standard one."])
    answered = absent = 0
    for _ in range(300):
        episode = prose.episode(level)
        if episode.value is None:
            absent += 1
            assert episode.completion == PROMPT.abstention
            continue
        answered += 1
        mark = int(episode.completion.rsplit("[", 1)[1][:-1])
        assert episode.value in episode.passages[mark - 1].text
        if level == 5:
            assert all(p.text.startswith("The ") and p.text.endswith("in May.") for p in episode.passages), "whole"
    assert answered > 150
    assert absent > 10 or level == 1


def test_documentation_is_prose():
    found = documentation()
    assert len(found) > 500
    assert len(set(found)) == len(found)
    assert all(120 <= len(text) <= 700 for text in found)


def test_a_folder_gives_paragraphs_and_tables(tmp_path: Path, people):
    words = "The [valve](a.md) opens at **4 bar** and closes again when the pressure falls. It needs no power for that."
    table = "| Valve | Opens at | Note |\n| --- | --- | --- |\n" + "".join(
        f"| V{n} | {n} bar | |\n" for n in range(3, 9)
    )
    (tmp_path / "valves.md").write_text(f"---\ntitle: Valves\n---\n# Valves\n\n{words * 2}\n\n{table}\n\nshort\n")
    paragraphs, tables = folder(tmp_path)
    assert len(paragraphs) == 1
    assert paragraphs[0].startswith("The valve opens at 4 bar")
    assert tables[0].header == ("Valve", "Opens at", "Note")
    assert tables[0].rows[0] == ("V3", "3 bar", "")

    prose = Prose(Random(2), PROMPT, people, paragraphs, tables)
    for _ in range(100):
        episode = prose._cell(3)
        if episode.value is None:
            assert episode.completion == PROMPT.abstention
        else:
            mark = int(episode.completion.rsplit("[", 1)[1][:-1])
            assert episode.value in episode.passages[mark - 1].text


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_window_holds_the_place_of_the_answer_not_just_its_words(level):
    found = Questions()
    for n in range(3):
        lines = [f"In 1901 line {m} of {n} was drawn." for m in range(9)]
        found.paragraph(f"p{n}", "lines", "", " ".join([*lines, f"The bridge {n} was opened in 1901."]))
        found.question(f"When was the bridge {n} opened?", ["1901"], f"p{n}")
    prose = Prose(Random(5), PROMPT, found, [])
    answered = 0
    for _ in range(100):
        episode = prose._question(level)
        for question, completion in [(episode.question, episode.completion), *episode.more]:
            if completion != PROMPT.abstention:
                answered += 1
                number = question.split()[-2]
                mark = int(completion.rsplit("[", 1)[1][:-1])
                assert f"The bridge {number} was opened in 1901." in episode.passages[mark - 1].text
    assert answered > 50


def test_an_answer_over_the_end_of_what_looks_like_a_sentence_is_shown_whole():
    found = Questions()
    found.paragraph(
        "p", "a", "", "It rained. The essay was written by Thomas B. Edsall in May. It was long. It sold well."
    )
    found.question("Who wrote the essay?", ["Thomas B. Edsall"], "p")
    prose = Prose(Random(5), PROMPT, found, [])
    for level in (1, 2, 3, 4):
        assert "Thomas B. Edsall" in prose._question(level).passages[0].text
