"""What people say around a statement or a question, so that no place in a sentence gives an answer away."""

# ruff: noqa: SIM905 -- word lists read better as text than as lists of strings

from random import Random

OPENINGS = (
    "According to the data sheet, |Note that |Please note: |In practice, |By design, |Unless stated otherwise, |"
    "As of this year, |In short, |For all we know, |As the table shows, |Since the last update, |In most cases, |"
    "To be precise, |Officially, |After long tests we can say: |Remember: |What few people know: |New: |Tip: "
).split("|")
CLOSINGS = (
    ", as measured in the laboratory| at the time of writing|, which has not changed since| (see the appendix)|"
    " and cannot be changed|, or so the manual says|, the support team confirmed|; earlier models differ|"
    " – ask if in doubt|, and that will stay so|, at least for now| according to the makers|"
    ", although many expect more|, as everybody in the workshop knows|; this is not a mistake| in normal use"
).split("|")
ASKING = (
    "Please tell me: |Quick question: |Hello, |A customer asks: |For my report: |I wonder: |Sorry to ask, but |"
    "Can you look this up? |We were asked: |Not sure about this: |Help, |One more: |Hi! |My boss wants to know: "
).split("|")
THANKING = " Thanks!| Thank you.| I could not find it.| It is urgent.| Please be exact.| Any idea?| thx".split("|")
LINKS = ", and |; |, while |, but | and |, so | – |, whereas |, yet |. Besides, |, though ".split("|")
CONTRASTS = (
    "The {a} of {s} is {v}, that of {o} {w}.",
    "While {s} has a {a} of {v}, {o} has {w}.",
    "Unlike {o} ({a} {w}), {s} is given with {v}.",
    "{s} and {o} differ in {a}: {v} and {w}.",
    "The {a} is {v} for {s} and {w} for {o}.",
    "Compared with {o} at {w}, {s} has a {a} of {v}.",
    "{s} ({v}) and {o} ({w}) do not share their {a}.",
    "For the {a}, take {v} with {s} but {w} with {o}.",
    "{a}: {s} {v}, {o} {w}",
    "With {w} as its {a}, {o} lies behind {s} and its {v}.",
)
"""Two subjects in one sentence: ``{v}`` is the first one's value, ``{o}`` the other subject, ``{w}`` its value."""
LOWERED = frozenset(
    "The It Its On With For As Set If We Our Use In Clean Wipe Order Ask At Since A Every Where From After "
    "What Which How When Who Whose Whom To By Could Tell Find Name Please Explain Under Of Does Is".split()
)
"""Words that begin a sentence with a capital for no other reason."""


def framed_statement(random: Random, sentence: str) -> str:
    """A sentence with something before or after it; lines of lists and tables stay as they are."""
    if not sentence.endswith(".") or sentence[0] in "|-*":
        return sentence
    if random.random() < 0.5:
        return random.choice(OPENINGS) + _lowered(sentence)
    return sentence[:-1] + random.choice(CLOSINGS) + "."


def joined(random: Random, sentences: list[str]) -> list[str]:
    """The sentences, some of them run together with the one before."""
    out: list[str] = []
    for sentence in sentences:
        plain = out and out[-1].endswith(".") and sentence.endswith(".") and sentence[0] not in "|-*"
        if plain and random.random() < 0.3:
            out[-1] = out[-1][:-1] + random.choice(LINKS) + _lowered(sentence)
        else:
            out.append(sentence)
    return out


def framed_question(random: Random, question: str) -> str:
    """A question as people put it to somebody."""
    if random.random() < 0.6:
        return random.choice(ASKING) + _lowered(question)
    return question + random.choice(THANKING)


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:] if sentence.split(" ", 1)[0] in LOWERED else sentence
