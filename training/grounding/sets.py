"""What people asked on texts: the public sets that the grounding adapter is made of.

Each reader yields a document with the questions asked on it. Of Lockstep's evaluation data only the train split
is trained on. Sets from elsewhere lose every text that shares a run of words with one of those data held out.
"""

import csv
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from training.scoring.answer_metrics import token_f1

RUN = 8
"""Words in a row by which a text is known again."""
QAMR_COLUMN = 50
"""Characters of a line of QAMR's readable files before its answers; a longer question is cut there."""
AGREED = 0.4
"""F1 that an answer has, in the mean, with those of other people."""

Forbidden = frozenset[tuple[str, ...]]
"""Runs of words that no text may hold."""


@dataclass
class Asked:
    """A document, and what people asked on it."""

    id: str
    title: str
    text: str
    questions: list[tuple[str, str]] = field(default_factory=list)
    """Question, and its answer in the words of the text; empty where the text only seems to hold one."""

    def ask(self, question: str, answers: Sequence[str]) -> None:
        """Add a question with the answer that is most like those of all who answered; none where they disagree."""
        found = [answer for answer in answers if _within(answer, self.text)]
        if not found:
            return
        alike = {one: sum(token_f1(one, [other]) for other in found) for one in found}
        best = max(found, key=lambda one: (alike[one], -len(one)))
        if len(found) == 1 or (alike[best] - 1) / (len(found) - 1) >= AGREED:
            self.questions.append((" ".join(question.split()), best))


def evaluation_data(directory: Path, split: str) -> Iterator[Asked]:
    """The questions of one split of Lockstep's evaluation data of SQuAD 1.1 and 2.0 (Rajpurkar et al. 2016, 2018)."""
    found = {
        row["id"]: Asked(row["id"], row["title"], row["text"])
        for row in _rows(directory / "corpus.jsonl.gz")
        if row["split"] == split
    }
    for row in _rows(directory / "qa.jsonl.gz"):
        if row["doc_ids"][0] in found:
            found[row["doc_ids"][0]].ask(row["question"], row["answers"])
    for row in _rows(directory / "qa_unanswerable.jsonl.gz"):
        if row["context_doc_id"] in found:
            found[row["context_doc_id"]].questions.append((row["question"], ""))
    yield from found.values()


def held_out(directory: Path) -> Forbidden:
    """The runs of words of the evaluation data's texts that are not for training."""
    return frozenset(
        run for row in _rows(directory / "corpus.jsonl.gz") if row["split"] != "train" for run in _runs(row["text"])
    )


def squad_json(file: Path, forbidden: Forbidden) -> Iterator[Asked]:
    """A file in SQuAD's own form, such as those of SQuADShifts (Miller et al. 2020, arXiv 2004.14444)."""
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        title = unquote(article["title"]).replace("_", " ")
        for number, row in enumerate(article["paragraphs"]):
            found = Asked(f"{file.stem}:{title}:{number}", title, row["context"].strip())
            if forbidden.isdisjoint(_runs(found.text)) and "{\\" not in found.text:  # remains of a formula
                for asked in row["qas"]:
                    found.ask(asked["question"], [answer["text"] for answer in asked["answers"]])
                yield found


def fairytales(directory: Path, forbidden: Forbidden) -> Iterator[Asked]:
    """FairytaleQA's train split (Xu et al. 2022, arXiv 2203.13947): the answers that are a story's own words.

    Args:
        directory: ``data-by-train-split`` of its repository.
    """
    for file in sorted((directory / "section-stories" / "train").glob("*-story.csv")):
        story = file.name.removesuffix("-story.csv")
        sections: dict[str, Asked] = {}
        for row in _csv(file):
            text = " ".join(row["text"].split())
            if forbidden.isdisjoint(_runs(text)):
                name = row["section"].strip()
                sections.setdefault(name, Asked(f"{story}:{name}", story.replace("-", " ").capitalize(), text))
        for row in _csv(directory / "questions" / "train" / f"{story}-questions.csv"):
            answer = " ".join(row["answer1"].split()).strip(" .")
            for section in row["cor_section"].split(","):
                known = sections.get(section.strip())
                if known and (place := _within(answer, known.text, re.IGNORECASE)):
                    known.ask(row["question"], [place[0]])
                    break
        yield from sections.values()


def qamr(file: Path, forbidden: Forbidden) -> Iterator[Asked]:
    """QAMR's questions on single sentences (Michael et al. 2018, arXiv 1711.05885), where people agree on the answer.

    The sentences of one article that stand in the file are one document.

    Args:
        file: one of ``data/readable`` of its repository.
    """
    articles: dict[str, list[str]] = defaultdict(list)
    questions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for block in file.read_text(encoding="utf-8").strip().split("\n\n"):
        name, sentence, *lines = block.split("\n")
        if not forbidden.isdisjoint(_runs(sentence)):
            continue
        article = name.lstrip("#").rsplit(":", 2)[0]
        articles[article].append(sentence)
        for line in lines:
            question, answers = line[:QAMR_COLUMN].strip(), line[QAMR_COLUMN:].split("\t")
            if len({answer.strip() for answer in answers}) == 1 and question.endswith("?"):
                questions[article].append((question, answers[0].strip()))
    for article, sentences in articles.items():
        found = Asked(f"qamr:{article}", "", " ".join(sentences))
        for question, answer in questions[article]:
            found.ask(question, [answer])
        yield found


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _csv(file: Path) -> Iterable[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        yield from csv.DictReader(opened)


def _runs(text: str) -> set[tuple[str, ...]]:
    """Every ``RUN`` successive words of a text, without case and punctuation."""
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}


def _within(answer: str, text: str, flags: re.RegexFlag = re.NOFLAG) -> re.Match[str] | None:
    """Where an answer stands that is not part of a longer word."""
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text, flags) if answer else None
