"""Sentences turned into questions by rules that hold for sure: what, how many, how long, how to, what if, is it true.

A sentence that no rule fits gives none: a wrong question teaches more harm than a missing one. English only.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from random import Random

from training.data.alteration import altered
from training.synthesis.drafts import Draft
from training.synthesis.phrases import (
    FIGURE,
    NUMBER_WORD,
    QUANTIFIED,
    TIME,
    WORDS,
    inside,
    is_subject,
    points,
    stands_alone,
)
from training.synthesis.sources import Source

METHOD = "sentence"
LONGEST, _SHORT_VALUE = 28, 8
"""Words of an answer in words, and of a value."""
Match = re.Match[str]
_FORMS = {form: verb for verb in WORDS["counting_verbs"] for form in (verb, f"{verb}s")}
_FORMS |= {"has": "have", "carries": "carry", "reaches": "reach"}
del _FORMS["haves"], _FORMS["carrys"], _FORMS["reachs"]
_VERB = "|".join(sorted(_FORMS, key=len, reverse=True))
_DONE = r"[a-z]+ed|kept|sent|held|paid|given|sold|made|shown|built|set|told|read|written"

_COUNTED = re.compile(
    rf"(?P<subject>[A-Z][^.]*?) (?P<verb>{_VERB}) (?P<answer>(?:{QUANTIFIED} )?(?P<figure>\d[\d,]*|{NUMBER_WORD})"
    r" (?P<noun>(?:[a-z][a-z-]+ )?[a-z][a-z-]+s))(?P<tail>(?: (?!and\b|or\b)[^\s,;:.]+){0,6})\."
)
"""The outbox holds 200 entries."""
_COSTS = re.compile(
    rf"(?P<subject>[A-Z][^.]*?) (?P<verb>costs?|weighs?|takes?|lasts?) (?P<answer>(?:{QUANTIFIED} )?"
    rf"(?P<figure>{FIGURE})(?: to \d[\d,.]*)?(?: (?:kg|g|MB|GB|{TIME}))?)"
    r"(?P<tail>(?: (?!and\b|or\b)[^\s,;:.]+){0,6})\."
)
_ASKED_BY = {"cost": "How much", "weigh": "How much", "take": "How long", "last": "How long"}
_IS = re.compile(
    rf"(?P<subject>(?:The|Its|Our) [^.]*?) (?P<verb>is|are|was|were) (?P<answer>(?:{QUANTIFIED} )?(?P<figure>{FIGURE})"
    r"(?: ?[^\s,;.()]+){0,3})(?P<rest>(?:(?! and | or | but )[^,;:()]){0,60})\."
)
"""The deposit is EUR 400."""
_TALL = re.compile(r"(?P<answer>.*\d.*) (?P<adjective>high|long|wide|deep|thick|old|heavy|tall)")
_FOR = re.compile(
    rf"(?P<subject>[A-Z][^.]*?) (?P<verb>is|are) (?P<done>{_DONE}|valid|available|open|free) for "
    rf"(?P<answer>(?:{QUANTIFIED} )?(?P<figure>\d[\d,]*|{NUMBER_WORD}) {TIME})(?P<tail>(?: [^\s,;:.]+){{0,4}})\."
)
"""Receipts are kept for 30 days."""
_EVERY = re.compile(
    rf"(?P<subject>[A-Z][^.]*?) (?P<verb>is|are) (?P<done>{_DONE}) "
    rf"(?P<answer>every (?:\d+ |{NUMBER_WORD} )?{TIME}|once an? {TIME}|(?:twice|\d+ times) an? {TIME})\."
)
_DEFINED = re.compile(
    r"(?P<subject>(?!\w+ing\b)(?:(?:The|An?) )?(?:(?!(?:for|with|in|on|by|at|from|to|of)\b)[\w/-]+ ?){1,4}) is "
    r"(?P<answer>an? [a-z][^.]{12,200})\."
)
"""A dashboard is a grid of columns."""
_PURPOSE = re.compile(r"To (?P<purpose>(?!be\b)[a-z]+ [^,.:;]{4,80}), (?P<answer>[a-z`][^.]{6,200})\.")
_CASE = re.compile(
    r"(?:If|When) (?P<case>(?!you (?:haven|have|need|want|are|prefer|\S+'re|wish|would)\b|\w+ing\b|in\b|not\b)"
    r"[^,.:;\s]+ [^,.:;\s]+ [^,.:;]{3,70}), (?P<answer>(?!then\b|see\b|refer\b|read\b|check\b|try\b)"
    r"[A-Za-z][^.,]{6,200})\."
)
_USED = re.compile(r"(?P<subject>[A-Z][^.]*?) (?P<verb>is|are) used (?P<answer>(?:to [a-z]+|for) [^.]{6,160})\.")
_WHEN = re.compile(
    r"(?P<subject>(?:The|An?|Each|Every) [^.]*?) (?P<done>[a-z]+[^s\W]s) "
    r"(?P<answer>(?:when|if|after) (?:(?! and )[^.]){6,120})\."
)
"""The clean-up stops when the disk is full."""
_DUE = re.compile(
    rf"(?P<subject>[A-Z][^.]*?) (?P<verb>is|are|was|were) (?P<done>due|{_DONE}) "
    r"(?P<answer>(?:within|by|on|after|before) (?=[^.,;]*\d)(?:[^\s.,;:]+ ?){1,6})\."
)
"""Payment is due within 14 days."""
_UNIT = rf"%|°C|kg|mm|cm|km|m|GB|MB|KB|ms|s|h|V|W|{TIME}"
_GAP = re.compile(
    rf"(?<![\w.-])(?:-?\d[\d,.]*(?<=\d)(?:\s?(?:{_UNIT})(?!\w))?|[A-Z]{{1,4}}-\d{{2,6}})(?![-./:,]?\w)(?! -)"
)
_DATED = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December|of|in) $"
)
"""Before a year: half a date is not asked for."""
_WINDOW = 10
"""Words kept on each side of a gap."""


def from_statements(source: Source, seed: int) -> Iterator[Draft]:
    """The questions that a chunk's sentences give."""
    chunk = source.chunk
    for number, statement in enumerate(source.statements):
        if not stands_alone(statement) and not statement.startswith(("To ", "If ", "When ")):
            continue
        draw = Random(f"{seed}:{chunk.id}:{number}")
        fact = next(_facts(statement, source.common), None)
        if fact is not None:
            yield Draft(fact.question, (fact.answer,), (chunk,), METHOD, "natural")
            yield from _claims(source, statement, fact, draw)
        elif asked := next(_told(statement, source.common), None):
            yield Draft(asked[0], (asked[1],), (chunk,), METHOD, "natural")
        yield from _gapped(source, statement, draw)


@dataclass(frozen=True)
class _Fact:
    """A sentence around one number, and what asks for it."""

    question: str
    answer: str
    figure: tuple[int, int]
    """Where the number stands in the sentence."""


def _facts(statement: str, common: Collection[str]) -> Iterator[_Fact]:
    """How much, how many, how long, how often, what: the most exact first."""
    for pattern, worded in ((_COSTS, _price), (_COUNTED, _count), (_IS, _value), (_FOR, _duration)):
        if (found := pattern.fullmatch(statement)) and is_subject(found["subject"]):
            question, answer = worded(found, inside(found["subject"], common))
            if question:
                yield _Fact(question, answer, found.span("figure"))


def _price(found: Match, subject: str) -> tuple[str, str]:
    lemma = found["verb"].removesuffix("s")
    if lemma in ("take", "last") and not re.search(TIME, found["answer"]):
        return "", ""
    return f"{_ASKED_BY[lemma]} {_does(found)} {subject} {lemma}{found['tail']}?", found["answer"]


def _count(found: Match, subject: str) -> tuple[str, str]:
    if re.fullmatch(TIME, found["noun"]):
        return "", ""
    return f"How many {found['noun']} {_does(found)} {subject} {_FORMS[found['verb']]}{found['tail']}?", found["answer"]


def _value(found: Match, subject: str) -> tuple[str, str]:
    answer = found["answer"] + found["rest"]
    if tall := _TALL.fullmatch(answer):
        return f"How {tall['adjective']} {found['verb']} {subject}?", tall["answer"]
    return (f"What {found['verb']} {subject}?", answer) if len(answer.split()) <= _SHORT_VALUE else ("", "")


def _duration(found: Match, subject: str) -> tuple[str, str]:
    return f"How long {found['verb']} {subject} {found['done']}{found['tail']}?", found["answer"]


def _does(found: Match) -> str:
    """The auxiliary: of one it does, of several they do."""
    return "does" if found["verb"].endswith("s") else "do"


def _told(statement: str, common: Collection[str]) -> Iterator[tuple[str, str]]:
    """Question and answer of sentences without a number to ask for."""
    if (found := _EVERY.fullmatch(statement)) and is_subject(found["subject"]):
        yield f"How often {found['verb']} {inside(found['subject'], common)} {found['done']}?", found["answer"]
    if (found := _DUE.fullmatch(statement)) and is_subject(found["subject"]):
        yield f"When {found['verb']} {inside(found['subject'], common)} {found['done']}?", found["answer"]
    if (found := _USED.fullmatch(statement)) and is_subject(found["subject"]) and _short(found["answer"]):
        yield f"What {found['verb']} {inside(found['subject'], common)} used for?", found["answer"]
    if (found := _WHEN.fullmatch(statement)) and _plain_noun(found["subject"]) and _short(found["answer"]):
        lemma = _base(found["done"])
        yield f"When does {inside(found['subject'], common)} {lemma}?", found["answer"]
    if (found := _PURPOSE.fullmatch(statement)) and not points(found["purpose"]) and _instructs(found["answer"]):
        yield f"How do you {found['purpose']}?", found["answer"]
    if (found := _CASE.fullmatch(statement)) and not points(found["case"]) and _short(found["answer"]):
        yield f"What if {found['case']}?", found["answer"]
    if (found := _DEFINED.fullmatch(statement)) and is_subject(found["subject"]) and _short(found["answer"]):
        yield f"What is {inside(found['subject'], common)}?", found["answer"]


def _instructs(answer: str) -> bool:
    """Whether an answer says what to do: it has no subject but "you"."""
    stated = re.match(r"(?:the|a|an|your|this|[A-Z]\S*|(?:\S+ ){1,10}(?:is|are|will|must|can)) ", answer)
    return _short(answer) and (answer.startswith("you ") or not stated)


def _plain_noun(subject: str) -> bool:
    """Whether a subject is an article and a noun or two, so that what follows is its verb."""
    return is_subject(subject) and len(subject.split()) <= 4 and not re.search(r"s\b|\d", subject)


def _base(verb: str) -> str:
    """A verb without the ending that it has of one: stops, goes, carries, reaches."""
    for ending, instead in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("oes", "o")):
        if verb.endswith(ending):
            return verb.removesuffix(ending) + instead
    return verb.removesuffix("s")


def _short(answer: str) -> bool:
    return len(answer.split()) <= LONGEST and not points(answer.split(",")[0])


def _claims(source: Source, statement: str, fact: _Fact, draw: Random) -> Iterator[Draft]:
    """A sentence with one number, said as it is or with another number, to be checked."""
    if len(re.findall(r"\d[\d,.]*", statement)) > 1:
        return
    start, end = fact.figure
    true = draw.random() < 0.5
    figure = statement[start:end] if true else altered(statement[start:end], draw.randrange(8))
    claim = inside(statement[:start] + figure + statement[end:-1], source.common)
    verdict = "Yes" if true else "No"
    yield Draft(f"Is it true that {claim}?", (f"{verdict}, {fact.answer}",), (source.chunk,), METHOD, "claim")


def _gapped(source: Source, statement: str, draw: Random) -> Iterator[Draft]:
    """A sentence with a gap where a number or a code stood, cut to the words around it."""
    gaps = [gap for gap in _GAP.finditer(statement) if not _DATED.search(statement[: gap.start()])]
    if not gaps or len(statement.split()) < 7:
        return
    gap = draw.choice(gaps)
    before, after = statement[: gap.start()].split(), statement[gap.end() : -1].split()
    if len(before) < 2 or len(before) + len(after) < 5:
        return
    left = " ".join(("...", *before[-_WINDOW:]) if len(before) > _WINDOW else before)
    right = " ".join((*after[:_WINDOW], "...") if len(after) > _WINDOW else after)
    question = " ".join(f"Fill the gap: {left} ___ {right}".split())
    yield Draft(question, (gap.group(),), (source.chunk,), "cloze", "cloze")
