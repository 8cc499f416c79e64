"""What can be measured of a product: attributes put together on the spot, and how they are worded.

Placeholders are those of ``relations.py``, and here, too, the last of every list is kept for evaluation.
"""

from collections.abc import Sequence
from random import Random

from training.starter import words
from training.starter.relations import Relation

STATEMENTS = (
    "The {a} of the {s} is {v}.",
    "The {s} has a {a} of {v}.",
    "{s}: {a} {v}.",
    "For the {s}, the {a} is {v}.",
    "On the {s} the {a} is {v}.",
    "Set the {a} of the {s} to {v}.",
    "{v} is the {a} of the {s}.",
    "The {s} comes with a {a} of {v}.",
    "With the {s}, expect a {a} of {v}.",
    "{s} offers {v} as its {a}.",
    "The {s} needs a {a} of {v}.",
    "As for the {a}, the {s} is given as {v}.",
    "The {s} reaches a {a} of {v}.",
    "We measured a {a} of {v} on the {s}.",
    "{v} was measured as the {a} of the {s}.",
    "The {a} of the {s} was raised to {v}.",
    "The {a} of the {s} amounts to {v}.",
    "At {v}, the {a} of the {s} is the best of its class.",
    "Thanks to a {a} of {v}, the {s} is popular with schools.",
    "A {a} of {v} makes the {s} a good choice.",
    "The {s}, with a {a} of {v}, was made for daily use.",
    "Nobody should run the {s} without a {a} of {v}.",
    "Wherever the {s} is used, a {a} of {v} must be kept.",
    "The {s} passed the test at a {a} of {v}.",
    "The label of the {s} says {v} for the {a}.",
    "The {a} ({v}) sets the {s} apart from the others.",
    "Its {a} of {v} was what sold the {s}.",
    "The {s} was changed last year: {a} now {v}, new cable.",
    "The {s} lists {v} under {a}.",
    "Our figures put the {a} of the {s} at {v}.",
)
BARE = (
    "The {a} is {v}.",
    "Its {a} is {v}.",
    "{a}: {v}.",
    "- {a}: {v}",
    "| {a} | {v} |",
    "Set the {a} to {v}.",
    "The {a} must be {v}.",
    "{v} is the {a}.",
    "It has a {a} of {v}.",
    "Expect a {a} of {v}.",
    "The {a} amounts to {v}.",
    "We measured a {a} of {v}.",
    "Its {a} was raised to {v}.",
    "With a {a} of {v} it is the best of its class.",
    "{v} was measured as the {a}.",
    "The label says {v} for the {a}.",
    "Thanks to a {a} of {v} it sells well.",
    "A {a} of {v} must be kept.",
    "{a} = {v}",
    "Here the {a} stays at {v}.",
    "We settled on {v} for the {a}.",
)
QUESTIONS = (
    "What is the {a} of the {s}?",
    "what's the {a} on the {s}",
    "{s} {a}?",
    "{a} {s}",
    "Which {a} does the {s} have?",
    "Tell me the {a} of the {s}.",
    "What {a} should I use for the {s}?",
    "I need the {a} for the {s}.",
    "Which {a} is given for the {s}?",
    "How is the {a} of the {s} specified?",
    "Could you give me the {a} of the {s}?",
    "I am looking for the {a} of the {s}.",
    "What does the data sheet say about the {a} of the {s}?",
    "What value has the {a} of the {s}?",
    "{s}: what {a}?",
    "Please look up the {a} for the {s}.",
    "What is the {s}'s {a}?",
    "With which {a} is the {s} delivered?",
    "What {a} can I count on with the {s}?",
    "On a {s}, what is the {a}?",
    "What {a} did they measure on the {s}?",
    "A customer wants the {a} of the {s}.",
    "Which {a} must be kept on the {s}?",
    "How much {a} does the {s} come with?",
    "Find the {a}: {s}.",
    "Do you know the {a} that the {s} has?",
    "I cannot remember the {a} of the {s}, can you?",
)
HOW: dict[str, tuple[str, ...]] = {
    "weight": ("How heavy is the {s}?", "How much does the {s} weigh?"),
    "length": ("How long is the {s}?", "What does the {s} measure in length?"),
    "depth": ("How deep can the {s} go?", "How deep is the {s}?"),
    "price": ("How much does the {s} cost?", "What do I pay for the {s}?", "what does the {s} cost"),
    "fee": ("How much is charged for the {s}?", "What do you charge for the {s}?"),
    "lifetime": ("How long does the {s} last?", "After what time does the {s} wear out?"),
    "speed": ("How fast is the {s}?", "How quick is the {s}?"),
    "capacity": ("How much does the {s} hold?", "How much fits into the {s}?"),
    "noise": ("How loud is the {s}?", "How noisy is the {s}?"),
    "temperature": ("How hot does the {s} get?", "How warm may the {s} become?"),
    "voltage": ("How many volts does the {s} need?", "On how many volts does the {s} run?"),
    "interval": ("How often does the {s} run?", "How many times is the {s} due?"),
    "duration": ("How long does the {s} take?", "How much time does the {s} need?"),
    "range": ("How far does the {s} reach?", "What distance does the {s} cover?"),
    "power": ("How much power does the {s} draw?", "How many watts does the {s} use?"),
    "accuracy": ("How accurate is the {s}?", "How precise is the {s}?"),
    "limit": ("How many does the {s} allow?", "How much is allowed on the {s}?"),
}


def quantity_relation(random: Random, noun: str | None = None) -> Relation:
    """A measurable attribute put together on the spot: maximum hatch torque, inlet pressure, ..."""
    noun = noun or random.choice(list(words.QUANTITIES))
    modifier = random.choice(words.MODIFIERS) if random.random() < 0.5 else ""
    part = random.choice(words.PARTS) if random.random() < 0.5 else ""
    base = " ".join(w for w in (modifier, part, noun) if w)
    names = [base]
    if part:
        names.append(" ".join(w for w in (modifier, noun) if w) + f" of the {part}")
    how = HOW[noun] if noun in HOW and not part and not modifier else ()
    # The held-out wording stays last, whatever is put before it.
    return Relation(tuple(names), lambda r: words.quantity(r, noun), STATEMENTS, BARE, how + QUESTIONS)


def similar_relation(random: Random, relations: Sequence[Relation]) -> Relation | None:
    """An attribute easily taken for one of these: the same quantity of another part or kind.

    None where they hold no quantity, or nothing was found that none of them includes.
    """
    nouns = [noun for relation in relations if (noun := relation.names[0].split()[-1]) in words.QUANTITIES]
    if not nouns:
        return None
    found = quantity_relation(random, random.choice(nouns))
    asked = set(found.names[0].split())
    told = [set(relation.names[0].split()) for relation in relations]
    return None if any(asked <= other or other <= asked for other in told) else found
