"""Questions that people asked on prose: the sets that the starter is trained on.

Of Lockstep's evaluation data only the train split is read. Sets from elsewhere lose every paragraph
that shares a run of words with a paragraph of these data that is held out.
"""

import csv
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from training.answer_metrics import token_f1

RUN = 8
"""Words in a row by which a paragraph is known again."""
QAMR_COLUMN = 50
"""Characters of a line of QAMR's readable files before its answers; a longer question is cut there."""
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(`])")
"""Between two sentences."""
AGREED = 0.4
"""F1 that an answer has, in the mean, with those of other people."""


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a gzipped JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Question(NamedTuple):
    """What somebody asked on a paragraph."""

    text: str
    answer: str
    """In the words of the paragraph."""
    start: int
    """Character of the paragraph at which the answer begins."""
    paragraph: str


@dataclass
class Questions:
    """Paragraphs, and what people asked on them."""

    text: dict[str, str] = field(default_factory=dict)
    """Of each paragraph, by its id."""
    title: dict[str, str] = field(default_factory=dict)
    article: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The ids of the paragraphs of each article."""
    article_of: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    unanswerable: list[tuple[str, str]] = field(default_factory=list)
    """Question, id of the paragraph that seems to answer it."""

    def paragraph(self, name: str, article: str, title: str, text: str) -> None:
        """Add a paragraph of an article."""
        self.text[name], self.title[name], self.article_of[name] = text, title, article
        self.article[article].append(name)

    def question(self, question: str, answers: Sequence[str], paragraph: str) -> None:
        """Add a question, with the answer that is most like those of all who answered; none where they disagree."""
        text = self.text[paragraph]
        found = [answer for answer in answers if _places(text, answer)]
        if not found:
            return
        alike = {one: sum(token_f1(one, [other]) for other in found) for one in found}
        best = max(found, key=lambda one: (alike[one], -len(one)))
        if len(found) == 1 or (alike[best] - 1) / (len(found) - 1) >= AGREED:
            asked = set(_words(question))
            starts = [place.start() for place in _places(text, best)]
            start = max(starts, key=lambda at: len(asked & set(_words(_sentence(text, at)))))
            self.questions.append(Question(question, best, start, paragraph))

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
    words = _words(text)
    return {tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _sentence(text: str, at: int) -> str:
    """The sentence that holds a character."""
    bounds = [0, *(match.end() for match in SENTENCE.finditer(text)), len(text)]
    return next(text[start:end] for start, end in pairwise(bounds) if at < end)


def _places(text: str, answer: str, flags: re.RegexFlag = re.NOFLAG) -> list[re.Match[str]]:
    """Where an answer stands that is not part of a longer word."""
    return list(re.finditer(rf"(?<!\w){re.escape(answer)}(?!\w)", text, flags)) if answer else []


def squad_json(file: Path, forbidden: set[tuple[str, ...]]) -> Questions:
    """A file in SQuAD's own form, such as those of SQuADShifts (Miller et al. 2020, arXiv 2004.14444).

    Args:
        forbidden: runs of words that no paragraph may hold.
    """
    found = Questions()
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        title = unquote(article["title"]).replace("_", " ")
        for number, row in enumerate(article["paragraphs"]):
            text, name = row["context"].strip(), f"{file.stem}:{title}:{number}"
            if forbidden.isdisjoint(runs(text)) and "{\\" not in text:  # remains of a formula
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
            text, name = " ".join(row["text"].split()), f"{story}:{row['section']}"
            if forbidden.isdisjoint(runs(text)) and name not in found.text:
                found.paragraph(name, story, story.replace("-", " ").capitalize(), text)
        for row in _csv(directory / "questions" / "train" / f"{story}-questions.csv"):
            answer = " ".join(row["answer1"].split()).strip(" .")
            for section in row["cor_section"].split(","):
                name = f"{story}:{section.strip()}"
                if places := _places(found.text.get(name, ""), answer, re.IGNORECASE):
                    found.question(" ".join(row["question"].split()), [places[0][0]], name)
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
        found.paragraph(name, name.rsplit(":", 2)[0], "", sentence)
        for line in asked:
            question, answers = line[:QAMR_COLUMN].strip(), line[QAMR_COLUMN:].split("\t")
            if len({answer.strip() for answer in answers}) == 1 and question.endswith("?"):
                found.question(question, [answers[0].strip()], name)
    return found


def _csv(file: Path) -> Iterable[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        yield from csv.DictReader(opened)
