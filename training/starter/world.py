"""Generated worlds: facts about things that do not exist, written into passages, and questions on them.

An episode is a question, its passages and the answer as the generator must give it: words of
one passage and its mark, or the abstention sentence. Level 1 is a single short passage; level 4
is what retrieval returns: four passages that share subjects or attributes with the right one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from retrieval.documents import Passage
from retrieval.prompt import Message, Prompt, render
from training.starter import words
from training.starter.frames import CONTRASTS, framed_question, framed_statement, joined
from training.starter.quantities import quantity_relation, similar_relation
from training.starter.relations import RELATIONS, Relation
from training.starter.wordings import (
    FAULT_LINES,
    FAULT_QUESTIONS,
    REMEDY_QUESTIONS,
    STEPS,
    TOOL_QUESTIONS,
    WAIT_QUESTIONS,
    WAITS,
)


@dataclass(frozen=True)
class Fact:
    """A relation of a subject, with its value and the name by which the attribute is called."""

    subject: str
    relation: Relation
    name: str
    value: str


@dataclass(frozen=True)
class Episode:
    """One training or evaluation row before it is encoded."""

    question: str
    passages: tuple[Passage, ...]
    completion: str
    """The answer with its mark, or the abstention sentence."""
    value: str | None
    """The answer without its mark; None where the right answer is to abstain."""
    more: tuple[tuple[str, str], ...] = ()
    """Further questions on the same passages, with their completions: in training one reading serves them all."""

    def messages(self, prompt: Prompt) -> list[Message]:
        """Rendered as serving renders it."""
        return render(self.question, self.passages, prompt)


Asked = tuple[str, int | None, str | None]
"""A question, the number of the passage that answers it, and the answer without its mark."""


def shuffled(random: Random, prompt: Prompt, texts: Sequence[tuple[str, str]], asked: Sequence[Asked]) -> Episode:
    """An episode of texts with their contexts in random order; the first question is the one that it is about."""
    order = list(range(len(texts)))
    random.shuffle(order)
    passages = tuple(passage(*texts[source], position) for position, source in enumerate(order))
    turns = [
        (question, prompt.abstention if index is None else f"{value} [{order.index(index) + 1}]")
        for question, index, value in asked
    ]
    return Episode(turns[0][0], passages, turns[0][1], asked[0][2], tuple(turns[1:]))


def passage(text: str, context: str, position: int) -> Passage:
    """A passage as a search would return it."""
    return Passage(f"d{position}", f"d{position}#0", text, context, 1.0 / (position + 1), position + 1, 0.5)


def _grid(facts: Sequence[Fact]) -> str:
    """A table with a row for each subject and a column for each attribute."""
    names = {fact.relation.names[0]: fact.name for fact in facts}
    cells = {(fact.subject, fact.relation.names[0]): fact.value for fact in facts}
    rows = [
        [subject, *(cells.get((subject, name), "–") for name in names)]
        for subject in dict.fromkeys(fact.subject for fact in facts)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [["", *names.values()], *rows])


class World:
    """Draws episodes. ``evaluation`` switches to the names and wordings that training never sees."""

    def __init__(self, random: Random, prompt: Prompt, *, evaluation: bool = False) -> None:
        self.random = random
        self.prompt = prompt
        self.evaluation = evaluation

    def episode(self, level: int) -> Episode:
        """An episode of a level from 1 (a passage, a fact or two) to 4 (as retrieval returns them)."""
        random = self.random
        if level >= 2 and random.random() < 0.15:
            return self._fault_table(level)
        if level >= 2 and random.random() < 0.12:
            return self._procedure(level)
        count = {1: 1, 2: 2, 3: 3}.get(level, 4)
        kind = random.choices(["product", "setting", "person", "company"], [7, 2, 1.5, 1.5])[0]
        subjects = self._subjects(kind, count)
        relations = self._relations(kind, random.randint(1, 2) if level == 1 else random.randint(2, 5))
        if level >= 3 and random.random() < 0.4:
            subjects = subjects[: random.randint(1, 2)]
        facts = [self._fact(s, r) for s in subjects for r in relations if random.random() < 0.85 or level == 1]
        if not facts:
            facts = [self._fact(subjects[0], relations[0])]
        absent = [
            Fact(s, r, r.names[0], "")
            for s in subjects
            for r in relations
            if not any(f.subject == s and f.relation is r for f in facts)
        ]
        groups = self._split(facts, count)
        texts = [self._write(group, kind) for group in groups]
        while len(texts) < count and level >= 3:
            other = self._subjects(kind, 1)[0]
            texts.append(self._write([self._fact(other, self._relation(kind))], kind))
            groups.append([])
        asked: list[Asked] = [(self.ask(fact), i, fact.value) for i, group in enumerate(groups) for fact in group]
        random.shuffle(asked)
        if level >= 2:
            for place in [i for i in range(len(asked)) if random.random() < 0.2]:
                unstated = random.choice(absent) if absent and random.random() < 0.6 else None
                asked[place] = (self.ask(unstated or self._absent(kind, subjects, relations)), None, None)
        return shuffled(random, self.prompt, texts, asked)

    def aside(self) -> str:
        """Facts on other subjects, drawn like an episode's, with their heading if they have one."""
        kind = self.random.choice(["product", "product", "person", "company"])
        subjects = self._subjects(kind, self.random.randint(1, 2))
        relations = self._relations(kind, self.random.randint(1, 3))
        text, context = self._write([self._fact(s, r) for s in subjects for r in relations], kind)
        return f"{context}\n{text}" if context else text

    def ask(self, fact: Fact) -> str:
        """A question on a fact, sometimes typed carelessly."""
        random = self.random
        name = random.choice(fact.relation.names)
        question = self._pick(fact.relation.questions).replace("{a}", name).replace("{s}", fact.subject)
        if self._trains(0.25):
            question = framed_question(random, question)
        draw = random.random()
        if draw < 0.1:
            question = question.lower()
        elif draw < 0.15 and len(question) > 12:
            at = random.randrange(1, len(question) - 1)
            question = question[:at] + question[at + 1 :]
        return question

    def _pick(self, options: Sequence[str]) -> str:
        if self.evaluation:
            return options[-1]
        return self.random.choice(options[:-1]) if len(options) > 1 else options[0]

    def _relations(self, kind: str, count: int) -> list[Relation]:
        """Different relations: a subject has one value for each."""
        found = {relation.names[0]: relation for relation in (self._relation(kind) for _ in range(count))}
        if len(found) > 1 and self._trains(0.35) and (similar := similar_relation(self.random, list(found.values()))):
            found[similar.names[0]] = similar
        return list(found.values())

    def _trains(self, share: float) -> bool:
        """Whether to do what evaluation never does: in a share of the cases, in training."""
        return not self.evaluation and self.random.random() < share

    def _relation(self, kind: str) -> Relation:
        if kind == "product" and self.random.random() < 0.65:
            return quantity_relation(self.random)
        return self.random.choice(RELATIONS[kind])

    def _fact(self, subject: str, relation: Relation) -> Fact:
        return Fact(subject, relation, self.random.choice(relation.names), relation.value(self.random))

    def _absent(self, kind: str, subjects: list[str], stated: list[Relation]) -> Fact:
        """A fact that no passage states: of another subject, or of an attribute that nobody mentions."""
        random = self.random
        if self._trains(0.4) and (similar := similar_relation(random, stated)):
            return Fact(random.choice(subjects), similar, similar.names[0], "")
        taken = {relation.names[0] for relation in stated}
        new = [r for r in (self._relation(kind) for _ in range(8)) if r.names[0] not in taken]
        if new and random.random() < 0.5:
            return Fact(random.choice(subjects), new[0], new[0].names[0], "")
        while True:
            other = self._subjects(kind, 1)[0]
            if not any(other in subject or subject in other for subject in subjects):
                relation = random.choice(stated)
                return Fact(other, relation, relation.names[0], "")

    def _subjects(self, kind: str, count: int) -> list[str]:
        """Different subjects; often siblings that differ in one word only."""
        random = self.random
        found: list[str] = []
        family = words.stem(random, self.evaluation)
        siblings = random.random() < 0.5
        noun = f" {random.choice(words.PRODUCTS)}" if random.random() < 0.4 else ""
        while len(found) < count:
            if not siblings:
                family = words.stem(random, self.evaluation)
            if kind == "product":
                mark = random.choice(
                    ["", str(random.randint(1, 9)), str(random.randint(10, 990)), random.choice(words.SUFFIXES)]
                )
                name = f"{family} {mark}".strip() + noun
            elif kind == "setting":
                name = f"{random.choice(words.VERBS)}.{random.choice(words.KEYS)}"
                if self.evaluation or random.random() < 0.4:
                    name = f"{family.lower()}.{name}"
            elif kind == "person":
                name = f"{random.choice(words.FIRST_NAMES)} {family}"
            else:
                name = f"{family} {random.choice(words.COMPANIES)}"
            if name not in found:
                found.append(name)
        return found

    def _split(self, facts: list[Fact], count: int) -> list[list[Fact]]:
        """Facts into at most ``count`` passages, by subject where there are several."""
        random = self.random
        if count == 1:
            return [facts]
        groups: list[list[Fact]] = [[] for _ in range(count)]
        by_subject = random.random() < 0.75
        order = {s: i for i, s in enumerate(dict.fromkeys(f.subject for f in facts))}
        for fact in facts:
            single = len(order) < count
            place = random.randrange(count) if single or not by_subject else order[fact.subject] % count
            if len(groups[place]) < 6:
                groups[place].append(fact)
        return [group for group in groups if group]

    def _write(self, facts: list[Fact], kind: str) -> tuple[str, str]:
        """Text and context of a passage that states the facts."""
        random = self.random
        subjects = list(dict.fromkeys(f.subject for f in facts))
        headed = len(subjects) == 1 and random.random() < 0.5
        context = ""
        if headed:
            context = subjects[0]
        elif random.random() < 0.4:
            context = random.choice(
                [random.choice(words.TOPICS).capitalize(), f"{words.stem(random, self.evaluation)} handbook"]
            )
        if context and random.random() < 0.5:
            context += f" > {random.choice(words.SECTIONS)}"
        form = random.random()
        if headed and form < 0.3:
            dash = random.choice(["- {a}: {v}", "| {a} | {v} |", "{a}: {v}", "* {a} = {v}"])
            lines = [dash.replace("{a}", f.name).replace("{v}", f.value) for f in facts]
            text = "\n".join(line[:1].upper() + line[1:] if dash.startswith("{a}") else line for line in lines)
        elif len(subjects) > 1 and form < 0.3:
            text = "\n".join(f"| {f.subject} | {f.name} | {f.value} |" for f in facts)
        elif len(subjects) > 1 and self._trains(0.3):
            text = _grid(facts)
        else:
            sentences = self._sentences(facts, kind, headed)
            for _ in range(random.choice([0, 0, 1, 2])):
                sentences.insert(random.randint(0, len(sentences)), random.choice(words.FILLERS))
            text = ("\n" if random.random() < 0.15 else " ").join(sentences)
        return text, context

    def _sentences(self, facts: list[Fact], kind: str, headed: bool) -> list[str]:
        """The facts one after the other; in training some are told together."""
        random = self.random
        sentences, left, before = [], list(facts), ""
        while left:
            fact = left.pop(0)
            twin = next((f for f in left if f.relation is fact.relation), None)
            if twin and self._trains(0.6):
                left.remove(twin)
                sentences.append(self._contrast(fact, twin, "the " if kind == "product" else ""))
                before = ""
                continue
            repeated = before == fact.subject and random.random() < 0.5
            options: Sequence[str] = fact.relation.statements
            if headed or repeated:
                options = [bare for bare in fact.relation.bare if bare[0] not in "|-"]
            sentences.append(self._state(fact, options))
            before = fact.subject
        return sentences if self.evaluation else joined(random, sentences)

    def _contrast(self, fact: Fact, other: Fact, article: str) -> str:
        """The same attribute of two subjects in a sentence."""
        text = self.random.choice(CONTRASTS)
        told = {"a": fact.name, "s": article + fact.subject, "v": fact.value, "o": article + other.subject}
        for key, value in {**told, "w": other.value}.items():
            text = text.replace(f"{{{key}}}", value)
        return text if text.startswith(fact.subject) else text[:1].upper() + text[1:]  # the name of a setting stays

    def _state(self, fact: Fact, options: Sequence[str]) -> str:
        template = self._pick(options)
        text = template.replace("{a}", fact.name).replace("{s}", fact.subject).replace("{v}", fact.value)
        # A value keeps its case wherever it stands: the answer is copied from here.
        text = text if template.startswith("{v}") else text[:1].upper() + text[1:]
        return framed_statement(self.random, text) if self._trains(0.4) else text

    def _fault_table(self, level: int) -> Episode:
        """Error codes with meaning and remedy, as a table or as sentences."""
        random = self.random
        count = min(level, 4)
        tables, entries = [], []
        for index in range(count):
            prefix = random.choice("EFWSC")
            product = self._subjects("product", 1)[0]
            rows = []
            for _ in range(random.randint(1, 4)):
                code = f"{prefix}{random.choice(['', '-'])}{random.randint(1, 999)}"
                rows.append((code, self._fault(), self._remedy()))
            form = random.choice(FAULT_LINES[-1:] if self.evaluation else FAULT_LINES[:-1])
            lines = [form.replace("{c}", c).replace("{f}", f).replace("{r}", r) for c, f, r in rows]
            tables.append(("\n".join(lines), f"{product} > Error codes" if random.random() < 0.7 else ""))
            entries += [(index, row) for row in rows]
        codes = [code for _, (code, _, _) in entries]
        if len(set(codes)) < len(codes):
            return self._fault_table(level)
        random.shuffle(entries)
        return shuffled(random, self.prompt, tables, [self._ask_fault(*entry) for entry in entries])

    def _fault(self) -> str:
        if self._trains(0.5):
            return f"{self.random.choice(words.PARTS)} {self.random.choice(words.FAULT_STATES)}"
        return self.random.choice(words.FAULTS)

    def _remedy(self) -> str:
        if self._trains(0.5):
            random = self.random
            return f"{random.choice(words.MENDING)} the {random.choice(words.PARTS)}{random.choice(words.MENDING_ENDS)}"
        return self.random.choice(words.REMEDIES)

    def _tool(self) -> str:
        if self._trains(0.5):
            return f"{self.random.choice(words.TOOL_KINDS)} {self.random.choice(words.TOOL_NAMES)}"
        return self.random.choice(words.TOOLS)

    def _ask_fault(self, index: int, row: tuple[str, str, str]) -> Asked:
        code, fault, remedy = row
        if self.random.random() < 0.5:
            question, value = self._pick(FAULT_QUESTIONS), fault
        else:
            question, value = self._pick(REMEDY_QUESTIONS), remedy
        if self.random.random() < 0.2:
            return question.replace("{c}", f"{code[0]}{self.random.randint(1000, 1999)}"), None, None
        return question.replace("{c}", code), index, value

    def _procedure(self, level: int) -> Episode:
        """Numbered steps; asked for the tool, the time or the step that follows."""
        random = self.random
        count = min(level, 4)
        texts, entries = [], []
        parts = random.sample(words.PARTS, count * 2)
        for index in range(count):
            product = self._subjects("product", 1)[0]
            lines = []
            for part in parts[index * 2 : index * 2 + 2]:
                tool, time = self._tool(), words.quantity(random, "duration")
                verb = random.choice(["remove", "loosen", "clean", "replace", "check"])
                step = (
                    self._pick(STEPS)
                    .replace("{V}", verb.capitalize())
                    .replace("{o}", verb)
                    .replace("{p}", part)
                    .replace("{t}", tool)
                )
                lines += [step, self._pick(WAITS).replace("{d}", time)]
                for questions, value in ((TOOL_QUESTIONS, tool), (WAIT_QUESTIONS, time)):
                    question = self._pick(questions).replace("{o}", verb).replace("{p}", part)
                    entries.append((index, question, value))
            numbered = random.random() < 0.6
            text = "\n".join(f"{n}. {line}" for n, line in enumerate(lines, 1)) if numbered else " ".join(lines)
            texts.append((text, f"{product} > Maintenance" if random.random() < 0.6 else ""))
        random.shuffle(entries)
        asked: list[Asked] = []
        for index, question, value in entries:
            if random.random() < 0.2:
                other = random.choice([p for p in words.PARTS if p not in parts])
                verb = random.choice(["remove", "clean"])
                question = self._pick(TOOL_QUESTIONS).replace("{o}", verb).replace("{p}", other)
                asked.append((question, None, None))
            else:
                asked.append((question, index, value))
        return shuffled(random, self.prompt, texts, asked)
