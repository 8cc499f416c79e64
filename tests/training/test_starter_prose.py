import gzip
import json
from pathlib import Path
from random import Random

import pytest

from retrieval.prompt import Prompt
from training.starter.prose import Prose, Squad, documentation, folder

PROMPT = Prompt()
SENTENCES = "The {n} river rises in the {n} hills near Oldtown. It is {n}0 km long and flows west. Boats use it in May."


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def squad(tmp_path: Path) -> Squad:
    splits = ["train"] * 5 + ["test", "validation"]
    corpus = [
        {"id": f"p{n}", "title": "Rivers", "article": "rivers", "split": split, "text": SENTENCES.format(n=n)}
        for n, split in enumerate(splits)
    ]
    questions = [
        {"question": f"How long is {n}?", "answers": [f"{n}0 km"], "doc_ids": [f"p{n}"], "split": split}
        for n, split in enumerate(splits)
    ]
    questions.append({"question": "stray", "answers": ["50 km"], "doc_ids": ["p5"], "split": "train"})
    absent = [
        {"question": f"Who owns {n}?", "answers": [], "doc_ids": [], "context_doc_id": f"p{n}", "split": split}
        for n, split in enumerate(splits)
    ]
    write(tmp_path / "corpus.jsonl.gz", corpus)
    write(tmp_path / "qa.jsonl.gz", questions)
    write(tmp_path / "qa_unanswerable.jsonl.gz", absent)
    return Squad(tmp_path)


def test_only_the_train_split_is_read(squad):
    assert set(squad.text) == {f"p{n}" for n in range(5)}
    assert [document for _, _, document in squad.questions] == [f"p{n}" for n in range(5)]
    assert {document for _, document in squad.unanswerable} == {f"p{n}" for n in range(5)}


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_answers_stand_in_the_passage_that_is_cited(squad, level):
    prose = Prose(Random(3), PROMPT, squad, ["Python is a language. It has many libraries and a large standard one."])
    answered = absent = 0
    for _ in range(300):
        episode = prose.episode(level)
        assert all("p5" not in p.text and "50 km" not in p.text for p in episode.passages)
        if episode.value is None:
            absent += 1
            assert episode.completion == PROMPT.abstention
            continue
        answered += 1
        mark = int(episode.completion.rsplit("[", 1)[1][:-1])
        assert episode.value in episode.passages[mark - 1].text
    assert answered > 150
    assert absent > 10 or level == 1


def test_documentation_is_prose():
    found = documentation()
    assert len(found) > 500
    assert len(set(found)) == len(found)
    assert all(120 <= len(text) <= 700 for text in found)


def test_a_folder_gives_paragraphs_and_tables(tmp_path: Path, squad):
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

    prose = Prose(Random(2), PROMPT, squad, paragraphs, tables)
    for _ in range(100):
        episode = prose._cell(3)
        if episode.value is None:
            assert episode.completion == PROMPT.abstention
        else:
            mark = int(episode.completion.rsplit("[", 1)[1][:-1])
            assert episode.value in episode.passages[mark - 1].text
