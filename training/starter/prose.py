"""Real prose for the starter: people's questions on paragraphs, cloze over sentences, cells of tables."""

import ast
import re
import sysconfig
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from retrieval.parsing.markdown import parse_markdown
from retrieval.prompt import Prompt
from training.starter.counterfacts import Counterfacts
from training.starter.questions import SENTENCE, Question, Questions
from training.starter.world import Asked, Episode, shuffled

CELL_QUESTIONS = (
    "What is the {a} of {s}?",
    "{s} {a}",
    "{a} for {s}?",
    "Which {a} does {s} have?",
    "what {a} has {s}",
)
OFTEN = 5
"""However many questions a paragraph has, it is not drawn more often than one of so many: a set asks two dozen on
each of a thousand sentences."""


def documentation() -> list[str]:
    """Paragraphs of the Python standard library's own documentation strings and reference topics (PSF licence)."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(p for p in root.rglob("*.py") if not {"test", "tests", "site-packages", "idlelib"} & set(p.parts))
    found: dict[str, None] = {}
    for file in files:
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            strings = []
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                strings = [ast.get_docstring(node) or ""]
            elif file.name == "topics.py" and isinstance(node, ast.Constant) and isinstance(node.value, str):
                strings = [node.value]
            for text in strings:
                for paragraph in re.split(r"\n\s*\n", text):
                    joined = " ".join(paragraph.split())
                    if 120 <= len(joined) <= 700 and ". " in joined and joined[0].isupper() and ">>>" not in joined:
                        found[joined] = None
    return list(found)


@dataclass(frozen=True)
class Table:
    """A table out of real documentation."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def folder(directory: Path) -> tuple[list[str], list[Table]]:
    """Paragraphs and tables of a folder of Markdown documentation."""
    paragraphs: dict[str, None] = {}
    tables = []
    for path in sorted(directory.rglob("*.md")):
        document = parse_markdown(path.name, path.read_bytes())
        for block in re.split(r"\n\s*\n", document.text):
            lines = block.strip().split("\n")
            if all(line.lstrip().startswith("|") for line in lines):
                cells = [tuple(map(_plain, line.strip().strip("|").split("|"))) for line in lines]
                body = [row for row in cells[2:] if len(row) == len(cells[0])]
                if len(body) >= 3 and len(cells[0]) >= 2:
                    tables.append(Table(document.title, cells[0], tuple(body)))
                continue
            joined = " ".join(_plain(block).split())
            if 120 <= len(joined) <= 700 and ". " in joined and joined[0].isupper() and "```" not in block:
                paragraphs[joined] = None
    return list(paragraphs), tables


def _plain(text: str) -> str:
    """Markdown's links and emphasis taken off."""
    text = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", text)
    return re.sub(r"[*`]+|<[^<>]{1,200}>", "", text).strip()


class Prose:
    """Draws episodes from prose."""

    def __init__(
        self, random: Random, prompt: Prompt, people: Questions, documents: Sequence[str], tables: Sequence[Table] = ()
    ) -> None:
        self.random = random
        self.prompt = prompt
        self.people = people
        self.paragraphs = [*people.text.values(), *documents]
        self.tables = tables
        self.questions: dict[str, list[Question]] = defaultdict(list)
        for question in people.questions:
            self.questions[question.paragraph].append(question)
        self.counterfacts = Counterfacts(people.questions)
        self.asked = [document for document, asked in self.questions.items() for _ in asked[:OFTEN]]
        """Paragraphs as often as they are drawn."""

    def episode(self, level: int) -> Episode:
        """A question of people's, a cloze or a table's cell.

        Args:
            level: the number of passages and how long they are; at 5, up to four whole paragraphs.
        """
        draw = self.random.random()
        if draw < 0.12 and self.tables and level < 5:
            return self._cell(level)
        return self._question(level) if draw < 0.8 or level == 5 else self._cloze(level)

    def _cell(self, level: int) -> Episode:
        """What a table says of its rows, among other pieces of tables."""
        random = self.random
        table = random.choice(self.tables)
        names = Counter(row[0] for row in table.rows)
        rows = [row for row in table.rows if row[0] and names[row[0]] == 1]
        if len(rows) < 2:
            return self._cell(level)
        random.shuffle(rows)
        count = random.randint(1, min(2 * level, len(rows) - 1))
        texts = [self._render(table, rows[:count])]
        for _ in range(level - 1):
            other = random.choice(self.tables)
            texts.append(self._render(other, random.sample(other.rows, min(len(other.rows), random.randint(1, level)))))
        asked: list[Asked] = []
        for row in rows[:count]:
            column = random.randrange(1, len(row))
            if table.header[column] and 1 <= len(row[column]) <= 80:
                absent = level > 1 and random.random() < 0.15
                of, value = (rows[count][0], None) if absent else (row[0], row[column])
                if any(of in text for text, _ in texts[0 if absent else 1 :]):
                    continue
                question = random.choice(CELL_QUESTIONS).replace("{a}", table.header[column].lower())
                asked.append((question.replace("{s}", of), None if absent else 0, value))
        return shuffled(random, self.prompt, texts, asked) if asked else self._cell(level)

    def _render(self, table: Table, rows: Sequence[tuple[str, ...]]) -> tuple[str, str]:
        """A piece of a table as text, and its title."""
        if self.random.random() < 0.3:
            lines = ["; ".join(f"{name}: {cell}" for name, cell in zip(table.header, row, strict=True)) for row in rows]
        else:
            lines = [f"| {' | '.join(row)} |" for row in (table.header, *rows)]
        return "\n".join(lines), table.title

    def _window(self, text: str, held: range | None, sentences: int) -> range:
        """The characters of some successive sentences of a paragraph, or of more if they must hold what spans more."""
        ends = [match.start() for match in SENTENCE.finditer(text)] + [len(text)]
        if held is None:
            first = self.random.randint(0, max(0, len(ends) - sentences))
            last = min(first + sentences, len(ends)) - 1
        else:
            holder, until = (next(i for i, end in enumerate(ends) if at < end) for at in (held.start, held[-1]))
            first = max(0, holder - self.random.randint(0, sentences - 1))
            last = max(until, min(first + sentences, len(ends)) - 1)
        return range(ends[first - 1] if first else 0, ends[last])

    def _question(self, level: int) -> Episode:
        """Questions of people on paragraphs of one article, shown in part; whole at level 5."""
        random, people = self.random, self.people
        document = random.choice(self.asked)
        first = random.choice(self.questions[document])
        neighbours = [d for d in people.article[people.article_of[document]] if d != document]
        others = random.sample(neighbours, min(level - 1 if level < 5 else random.randint(0, 3), len(neighbours)))
        shown = {d: range(len(people.text[d])) for d in (document, *others)}
        if level < 5:
            sentences = level if level < 3 else random.randint(2, 5)
            shown = {d: self._window(people.text[d], None, random.randint(1, sentences)) for d in shown}
            answer = range(first.start, first.start + len(first.answer))
            shown[document] = self._window(people.text[document], answer, sentences)
        texts = [(people.text[d][span.start : span.stop].strip(), people.title[d]) for d, span in shown.items()]
        asked: list[Asked] = [
            (question.text, index, question.answer)
            for index, (d, span) in enumerate(shown.items())
            for question in self.questions[d]
            if question != first and span.start <= question.start and question.start + len(question.answer) <= span.stop
        ]
        random.shuffle(asked)
        asked.insert(0, (first.text, 0, first.answer))
        if level > 1:
            adverse = [question for question, d in people.unanswerable if d in shown]
            elsewhere = [
                question.text
                for d in neighbours
                if d not in shown
                for question in self.questions[d]
                if not any(question.answer in text for text, _ in texts)
            ]
            for place in [i for i in range(len(asked)) if random.random() < 0.2]:
                source = adverse if adverse and random.random() < 0.5 else elsewhere
                if source:
                    asked[place] = (random.choice(source), None, None)
        told, asked = self.counterfacts.tell(random, texts, asked)
        return shuffled(random, self.prompt, told, asked)

    def _cloze(self, level: int) -> Episode:
        """Sentences with a hole, and perhaps some words lost, among other sentences."""
        random = self.random
        sentences = level if level < 3 else random.randint(2, 4)
        count = level + (level > 1)  # the last one is not shown: nothing answers a question on it
        texts = []
        for text in random.choices(self.paragraphs, k=count):
            span = self._window(text, None, random.randint(1, sentences))
            texts.append((text[span.start : span.stop].strip(), ""))
        asked: list[Asked] = []
        for index, (text, _) in enumerate(texts):
            for sentence in SENTENCE.split(text):
                if 6 <= len(sentence.split()) <= 40 and (found := self._hole(sentence)):
                    shown = index < level
                    asked.append((found[0], index if shown else None, found[1] if shown else None))
        random.shuffle(asked)
        return shuffled(random, self.prompt, texts[:level], asked) if asked else self._cloze(level)

    def _hole(self, sentence: str) -> tuple[str, str] | None:
        """A question on some words of a sentence, and those words; None where they are mere punctuation."""
        random = self.random
        tokens = sentence.split()
        likely = [i for i, t in enumerate(tokens[1:], 1) if t[0].isupper() or t[0].isdigit()]
        start = random.choice(likely) if likely and random.random() < 0.6 else random.randrange(1, len(tokens))
        span = tokens[start : start + random.choice([1, 1, 2, 2, 3, 4])]
        answer = " ".join(span).strip(".,;:()[]\"'")
        if not answer:
            return None
        before, after = tokens[max(0, start - random.randint(3, 10)) : start], tokens[start + len(span) :]
        after = after[: random.randint(2, 8)]
        drop = random.choice([0.0, 0.1, 0.25])
        before, after = ([t for t in side if random.random() >= drop] for side in (before, after))
        if random.random() < 0.3:
            words = [*before, *after]
            random.shuffle(words)
            kind = "number" if answer[0].isdigit() else "words"
            return f"Which {kind} with " + " ".join(words[:6]) + "?", answer
        return " ".join([*before, "____", *after]), answer


def tokenizer_texts(people: Questions, documents: Sequence[str]) -> Iterator[str]:
    """The prose that the tokenizer is trained on."""
    yield from people.text.values()
    yield from (question.text for question in people.questions)
    yield from documents
