"""What can be said of a subject: relations with paraphrased statements and questions.

In a template ``{s}`` is the subject, ``{a}`` the attribute, ``{v}`` the value. The last
statement and the last question of every list are kept for evaluation: training never sees them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from training.starter import words


@dataclass(frozen=True)
class Relation:
    """An attribute with its wordings."""

    names: tuple[str, ...]
    """What it is called; a statement uses any of them, a question any other."""
    value: Callable[[Random], str]
    statements: tuple[str, ...]
    bare: tuple[str, ...]
    """Statements that leave the subject to the heading."""
    questions: tuple[str, ...]


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
    "The {s} lists {v} under {a}.",
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
    "Here the {a} stays at {v}.",
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
    "Do you know the {a} that the {s} has?",
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


def _special(names: str, value: Callable[[Random], str], statements: str, bare: str, questions: str) -> Relation:
    """A relation from lists separated by ``|``; ``~`` stands for the bar of a table row."""
    split = [tuple(part.replace("~", "|") for part in text.split("|")) for text in (statements, bare, questions)]
    return Relation(tuple(names.split("|")), value, *split)


PERSON_LED = _special(
    "designer|inventor|lead engineer",
    words.person,
    "The {s} was designed by {v}.|{v} designed the {s}.|{v} is the {a} of the {s}.|The {s} is the work of {v}.|"
    "It was {v} who came up with the {s}.",
    "It was designed by {v}.|{v} led the design.|{a}: {v}|~ {a} ~ {v} ~",
    "Who designed the {s}?|Who is the {a} of the {s}?|who made the {s}|Who invented the {s}?|"
    "Which engineer stands behind the {s}?",
)
RELATIONS: dict[str, tuple[Relation, ...]] = {
    "product": (
        PERSON_LED,
        _special(
            "release date|launch date|introduction",
            words.date,
            "The {s} was released on {v}.|{s} has been on sale since {v}.|In {v} the {s} came out.|"
            "The {s} ({v}) replaced an older model.|We launched the {s} in {v}.|The {s} first shipped in {v}.",
            "It was released in {v}.|{a}: {v}|On sale since {v}.|It first shipped in {v}.",
            "When was the {s} released?|When did the {s} come out?|Since when is the {s} on sale?|{s} {a}|"
            "What year was the {s} launched?|When could people first buy the {s}?",
        ),
        _special(
            "housing material|case material",
            lambda r: r.choice(words.MATERIALS),
            "The {s} is made of {v}.|The housing of the {s} is {v}.|{v} is used for the {s}.|"
            "We build the {s} from {v}.",
            "The housing is {v}.|{a}: {v}|It is made of {v}.|Its body consists of {v}.",
            "What is the {s} made of?|Which material is the {s} built from?|{s} {a}|What does the {s} consist of?",
        ),
        _special(
            "colour|color|finish",
            lambda r: r.choice(words.COLOURS),
            "The {s} is {v}.|The {s} comes in {v}.|{s} is sold in {v}.|You get the {s} in {v}.",
            "It comes in {v}.|{a}: {v}|The {a} is {v}.|It is painted {v}.",
            "What colour is the {s}?|Which colour does the {s} come in?|{s} colour|In which colour can I have the {s}?",
        ),
        _special(
            "firmware|software version|firmware version",
            words.version,
            "The {s} runs firmware {v}.|Firmware {v} is current for the {s}.|Install {v} on the {s}.|"
            "The {s} ships with firmware {v}.|Version {v} belongs on the {s}.",
            "It runs firmware {v}.|{a}: {v}|Firmware {v} is required.|Use version {v}.",
            "Which firmware does the {s} run?|What firmware version is on the {s}?|{s} {a}|"
            "Which version should I install on the {s}?|What release of the firmware belongs on the {s}?",
        ),
        _special(
            "part number|order code|SKU",
            words.code,
            "Order the {s} as {v}.|The {a} of the {s} is {v}.|{v} is the {a} for the {s}.|The {s} has number {v}.",
            "{a}: {v}|Order it as {v}.|~ {a} ~ {v} ~|It is listed as {v}.",
            "What is the {a} of the {s}?|Under which number do I order the {s}?|{s} {a}|"
            "Which code do I quote for the {s}?",
        ),
        _special(
            "status light|LED|indicator",
            lambda r: r.choice(words.LED_STATES),
            "While charging, the {s} shows {v}.|The LED of the {s} is {v}.|{v} means that the {s} is ready.|"
            "When all is well the {s} glows {v}.",
            "The LED shows {v}.|{a}: {v}|It shows {v} when ready.|A healthy unit glows {v}.",
            "What does the LED of the {s} show?|Which light does the {s} show?|{s} LED|How does the {s} light up?",
        ),
        _special(
            "place of manufacture|factory|plant",
            lambda r: words.stem(r, False) + r.choice(["", "ville", "burg", " Bay", "ford", "ton"]),
            "The {s} is built in {v}.|The {s} comes from {v}.|{v} is where the {s} is made.|"
            "We assemble the {s} in {v}.",
            "It is built in {v}.|{a}: {v}|Made in {v}.|The factory lies in {v}.",
            "Where is the {s} made?|Where does the {s} come from?|{s} {a}|In which town is the {s} assembled?",
        ),
        _special(
            "cleaning agent|cleaner",
            lambda r: r.choice(words.LIQUIDS),
            "Clean the {s} with {v}.|Use {v} for the {s}.|Wipe the {s} with {v}.|The {s} tolerates only {v}.",
            "Clean it with {v}.|Use {v}.|{a}: {v}|Only {v} is safe.",
            "What do I clean the {s} with?|Which {a} is used for the {s}?|What should the {s} be wiped with?|"
            "With what may I wash the {s}?",
        ),
    ),
    "setting": (
        _special(
            "default|default value",
            lambda r: r.choice([words.number(r), f"{r.randint(1, 90)} s", "true", "false", words.path(r)]),
            "`{s}` defaults to {v}.|The default of `{s}` is {v}.|~ `{s}` ~ {v} ~|"
            "`{s}` (default {v})|If unset, `{s}` is {v}.",
            "The default is {v}.|Default: {v}|If unset, {v} is taken.",
            "What is the default of {s}?|What does {s} default to?|{s} default|"
            "Which value does {s} have if I leave it out?",
        ),
        _special(
            "environment variable|variable",
            words.path,
            "`{s}` is read from {v}.|{v} overrides `{s}`.|Set {v} to change `{s}`.|`{s}` can be given as {v}.",
            "It is read from {v}.|{a}: {v}|{v} overrides it.",
            "Where is {s} read from?|What overrides {s}?|{s} {a}|How can {s} be given otherwise?",
        ),
        _special(
            "first version|availability",
            words.version,
            "`{s}` exists since {v}.|`{s}` was added in version {v}.|Version {v} brought `{s}`.|"
            "From {v} on there is `{s}`.",
            "Added in {v}.|Since: {v}|It exists since {v}.",
            "Since which version does {s} exist?|When was {s} added?|{s} since|In what version did {s} appear?",
        ),
    ),
    "person": (
        _special(
            "role|job|position",
            lambda r: (
                r.choice(["head of", "manager of", "engineer for", "director of", "clerk in"])
                + " "
                + r.choice(words.TOPICS)
            ),
            "{s} is {v}.|{s} works as {v}.|Our {v} is {s}.|The post of {v} is held by {s}.",
            "{a}: {v}|Works as {v}.|Holds the post of {v}.",
            "What does {s} do?|What is the {a} of {s}?|{s} job|Which post does {s} hold?",
        ),
        _special(
            "email|address|contact",
            words.path,
            "Write to {s} at {v}.|{s} can be reached at {v}.|Contact {s}: {v}.|{v} reaches {s}.",
            "Email: {v}|Reach out at {v}.|Write to {v}.",
            "How do I reach {s}?|What is the {a} of {s}?|{s} contact|Where do I write to {s}?",
        ),
        _special(
            "start date|birthday|first day",
            words.date,
            "{s} joined in {v}.|{s} has been with us since {v}.|Since {v} {s} works here.|{s} came on board in {v}.",
            "Joined: {v}|With us since {v}.|Came on board in {v}.",
            "When did {s} join?|Since when is {s} with us?|{s} {a}|When did {s} come on board?",
        ),
    ),
    "company": (
        _special(
            "founding year|foundation",
            lambda r: str(r.randint(1850, 2024)),
            "{s} was founded in {v}.|Founded in {v}, {s} has grown ever since.|{s} dates from {v}.|In {v} {s} began.",
            "Founded: {v}|It was founded in {v}.|It dates from {v}.",
            "When was {s} founded?|What year was {s} established?|{s} {a}|In which year did {s} begin?",
        ),
        _special(
            "headquarters|seat|head office",
            lambda r: words.stem(r, False) + r.choice(["", "ville", "burg", " Bay", "ford", "ton"]),
            "{s} is based in {v}.|The {a} of {s} is in {v}.|{s} has its {a} in {v}.|From {v}, {s} serves the world.",
            "{a}: {v}|It is based in {v}.|It sits in {v}.",
            "Where is {s} based?|Where is the {a} of {s}?|{s} {a}|In which city does {s} sit?",
        ),
        _special(
            "chief executive|CEO|boss",
            words.person,
            "{v} runs {s}.|{s} is led by {v}.|The {a} of {s} is {v}.|{v} heads {s}.|At the top of {s} stands {v}.",
            "{a}: {v}|It is led by {v}.|At the top stands {v}.",
            "Who runs {s}?|Who is the {a} of {s}?|who leads {s}|Who stands at the top of {s}?",
        ),
    ),
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
