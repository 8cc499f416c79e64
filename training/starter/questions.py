"""Questions that people asked on prose: the sets that the starter is trained on.

Only what is marked ``train`` is read of a set that has splits; a paragraph that any other split's
question points to is left out as well. Sets from elsewhere lose every paragraph that shares a run
of words with a paragraph of Lockstep's evaluation data that is held out.
"""

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUN = 8
"""Words in a row by which a paragraph is known again."""
QAMR_COLUMN = 50
"""Characters of a line of QAMR's readable files before its answers."""


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a gzipped JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@dataclass
class Questions:
    """Paragraphs, and what people asked on them."""

    text: dict[str, str] = field(default_factory=dict)
    """Of each paragraph, by its id."""
    title: dict[str, str] = field(default_factory=dict)
    article: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The ids of the paragraphs of each article."""
    article_of: dict[str, str] = field(default_factory=dict)
    questions: list[tuple[str, str, str]] = field(default_factory=list)
    """Question, answer in the paragraph's words, id of the paragraph."""
    unanswerable: list[tuple[str, str]] = field(default_factory=list)
    """Question, id of the paragraph that seems to answer it."""

    def paragraph(self, name: str, article: str, title: str, text: str) -> None:
        """Add a paragraph of an article."""
        self.text[name], self.title[name], self.article_of[name] = text, title, article
        self.article[article].append(name)

    def question(self, question: str, answers: Sequence[str], paragraph: str) -> None:
        """Add a question, with the answer that most people gave (the shortest of these) and the paragraph holds."""
        counted = Counter(answer for answer in answers if answer and answer in self.text[paragraph])
        if counted:
            self.questions.append((question, max(counted, key=lambda a: (counted[a], -len(a))), paragraph))

    def add(self, other: "Questions") -> None:
        """Take in another set; its ids are none of this one's."""
        self.text |= other.text
        self.title |= other.title
        self.article |= other.article
        self.article_of |= other.article_of
        self.questions += other.questions
        self.unanswerable += other.unanswerable


def squad(directory: Path) -> Questions:
    """SQuAD's questions as Lockstep's evaluation data have them."""
    found = Questions()
    for row in rows(directory / "corpus.jsonl.gz"):
        if row["split"] == "train":
            found.paragraph(row["id"], row["article"], row["title"], row["text"])
    for row in rows(directory / "qa.jsonl.gz"):
        if row["split"] == "train" and row["doc_ids"][0] in found.text:
            found.question(row["question"], row["answers"], row["doc_ids"][0])
    for row in rows(directory / "qa_unanswerable.jsonl.gz"):
        if row["split"] == "train" and row["context_doc_id"] in found.text:
            found.unanswerable.append((row["question"], row["context_doc_id"]))
    return found


def held_out(directory: Path) -> set[tuple[str, ...]]:
    """The runs of words of the evaluation data's paragraphs that are not for training."""
    corpus = rows(directory / "corpus.jsonl.gz")
    return {run for row in corpus if row["split"] != "train" for run in runs(row["text"])}


def runs(text: str) -> set[tuple[str, ...]]:
    """Every ``RUN`` successive words of a text, without case and punctuation."""
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}


def squad_json(file: Path, forbidden: set[tuple[str, ...]]) -> Questions:
    """A file in SQuAD's own form, such as those of SQuADShifts (Miller et al. 2020, arXiv 2004.14444).

    Args:
        forbidden: runs of words that no paragraph may hold.
    """
    found = Questions()
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        title = article["title"].replace("_", " ")
        for number, row in enumerate(article["paragraphs"]):
            text, name = row["context"], f"{file.stem}:{title}:{number}"
            if forbidden.isdisjoint(runs(text)):
                found.paragraph(name, title, title, text)
                for asked in row["qas"]:
                    found.question(asked["question"], [answer["text"] for answer in asked["answers"]], name)
    return found


def fairytales(directory: Path, forbidden: set[tuple[str, ...]]) -> Questions:
    """FairytaleQA's train split (Xu et al. 2022, arXiv 2203.13947): the answers that are a story's own words.

    Args:
        directory: ``data-by-train-split`` of its repository.
        forbidden: runs of words that no section may hold.
    """
    found = Questions()
    for file in sorted((directory / "section-stories" / "train").glob("*-story.csv")):
        story = file.name.removesuffix("-story.csv")
        for row in _csv(file):
            text = " ".join(row["text"].split())
            if forbidden.isdisjoint(runs(text)):
                found.paragraph(f"{story}:{row['section']}", story, story.replace("-", " ").capitalize(), text)
        for row in _csv(directory / "questions" / "train" / f"{story}-questions.csv"):
            answer = re.escape(" ".join(row["answer1"].split()).strip(" ."))
            for section in row["cor_section"].split(","):
                name = f"{story}:{section.strip()}"
                if match := re.search(rf"(?<!\w){answer}(?!\w)", found.text.get(name, ""), re.IGNORECASE):
                    found.question(" ".join(row["question"].split()), [match[0]], name)
                    break
    return found


def qamr(file: Path, forbidden: set[tuple[str, ...]]) -> Questions:
    """QAMR's questions on single sentences (Michael et al. 2018, arXiv 1711.05885), where people agree on the answer.

    Args:
        file: one of ``data/readable`` of its repository.
        forbidden: runs of words that no sentence may hold.
    """
    found = Questions()
    for block in file.read_text(encoding="utf-8").strip().split("\n\n"):
        name, sentence, *asked = block.split("\n")
        if not forbidden.isdisjoint(runs(sentence)):
            continue
        found.paragraph(name, file.stem, "", sentence)
        for line in asked:
            question, answers = line[:QAMR_COLUMN].strip(), line[QAMR_COLUMN:].split("\t")
            if len({answer.strip() for answer in answers}) == 1:
                found.question(question, [answers[0].strip()], name)
    return found


def _csv(file: Path) -> Iterable[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        yield from csv.DictReader(opened)
