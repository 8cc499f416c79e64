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
    "{v} drew the first {s} on a napkin.|We owe the {s} to {v}.|The {s} goes back to {v}, then a student.|"
    "Behind closed doors {v} developed the {s}.|{v}, {a} of the {s}, left last year.|"
    "The patent for the {s} was granted to {v}.|"
    "The {s} was designed by {v}.|{v} designed the {s}.|{v} is the {a} of the {s}.|The {s} is the work of {v}.|"
    "It was {v} who came up with the {s}.",
    "We owe it to {v}.|{v} developed it in a year.|It goes back to {v}.|"
    "It was designed by {v}.|{v} led the design.|{a}: {v}|~ {a} ~ {v} ~",
    "Who developed the {s}?|Whose idea was the {s}?|To whom do we owe the {s}?|By whom was the {s} designed?|"
    "Name the {a} of the {s}.|{s} {a}|Who holds the patent for the {s}?|"
    "Who designed the {s}?|Who is the {a} of the {s}?|who made the {s}|Who invented the {s}?|"
    "Which engineer stands behind the {s}?",
)
RELATIONS: dict[str, tuple[Relation, ...]] = {
    "product": (
        PERSON_LED,
        _special(
            "release date|launch date|introduction",
            words.date,
            "The {s} reached the shops in {v}.|Sales of the {s} started in {v}.|"
            "The first {s} left the factory in {v}.|The {s} was shown to the public in {v} and won a prize.|"
            "Since its launch in {v} the {s} has hardly changed.|"
            "The {s} was released on {v}.|{s} has been on sale since {v}.|In {v} the {s} came out.|"
            "The {s} ({v}) replaced an older model.|We launched the {s} in {v}.|The {s} first shipped in {v}.",
            "Sales started in {v}.|It reached the shops in {v}.|Launched {v}|"
            "It was released in {v}.|{a}: {v}|On sale since {v}.|It first shipped in {v}.",
            "When did sales of the {s} start?|When did the {s} reach the shops?|How long has the {s} been around?|"
            "What is the {a} of the {s}?|When was the {s} launched?|On what date was the {s} released?|"
            "When was the {s} released?|When did the {s} come out?|Since when is the {s} on sale?|{s} {a}|"
            "What year was the {s} launched?|When could people first buy the {s}?",
        ),
        _special(
            "housing material|case material",
            lambda r: r.choice(words.MATERIALS),
            "The body of the {s} was milled from {v}.|{v} protects the {s}.|Under the paint the {s} is {v}.|"
            "The {s} owes its strength to {v}.|For the shell of the {s} we chose {v} over wood.|"
            "The {s} is made of {v}.|The housing of the {s} is {v}.|{v} is used for the {s}.|"
            "We build the {s} from {v}.",
            "Its shell is {v}.|Milled from {v}.|{v} protects it.|"
            "The housing is {v}.|{a}: {v}|It is made of {v}.|Its body consists of {v}.",
            "From what is the {s} made?|What is the shell of the {s}?|Which material protects the {s}?|"
            "What is the {a} of the {s}?|Of which material is the {s}?|"
            "What is the {s} made of?|Which material is the {s} built from?|{s} {a}|What does the {s} consist of?",
        ),
        _special(
            "colour|color|finish",
            lambda r: r.choice(words.COLOURS),
            "The {s} is painted {v}.|We deliver the {s} in {v} only.|You recognise the {s} by its {v} case.|"
            "The {a} of the {s} is {v}.|"
            "The {s} is {v}.|The {s} comes in {v}.|{s} is sold in {v}.|You get the {s} in {v}.",
            "We deliver it in {v} only.|Colour: {v}|You recognise it by its {v} case.|"
            "It comes in {v}.|{a}: {v}|The {a} is {v}.|It is painted {v}.",
            "What is the {a} of the {s}?|How is the {s} painted?|What colour do I get with the {s}?|"
            "By which colour do I recognise the {s}?|"
            "What colour is the {s}?|Which colour does the {s} come in?|{s} colour|In which colour can I have the {s}?",
        ),
        _special(
            "firmware|software version|firmware version",
            words.version,
            "Update the {s} to {v} as soon as you can.|The {s} was tested with {v}.|"
            "On the {s}, {v} fixed the last faults.|For the {s} nothing older than {v} is supported.|"
            "The {s} runs firmware {v}.|Firmware {v} is current for the {s}.|Install {v} on the {s}.|"
            "The {s} ships with firmware {v}.|Version {v} belongs on the {s}.",
            "It was tested with {v}.|Update to {v}.|Nothing older than {v} is supported.|"
            "It runs firmware {v}.|{a}: {v}|Firmware {v} is required.|Use version {v}.",
            "To what should I update the {s}?|Which firmware is current on the {s}?|What is the {a} of the {s}?|"
            "With which firmware was the {s} tested?|"
            "Which firmware does the {s} run?|What firmware version is on the {s}?|{s} {a}|"
            "Which version should I install on the {s}?|What release of the firmware belongs on the {s}?",
        ),
        _special(
            "part number|order code|SKU",
            words.code,
            "Ask for {v} when you need a {s}.|In the shop the {s} is found under {v}.|The {s} ({v}) is out of stock.|"
            "The box of the {s} bears {v}.|"
            "Order the {s} as {v}.|The {a} of the {s} is {v}.|{v} is the {a} for the {s}.|The {s} has number {v}.",
            "In the shop it is found under {v}.|The box bears {v}.|"
            "{a}: {v}|Order it as {v}.|~ {a} ~ {v} ~|It is listed as {v}.",
            "What is printed on the box of the {s}?|How is the {s} listed in the shop?|"
            "Under what is the {s} found in the shop?|What do I ask for when I need a {s}?|"
            "What is the {a} of the {s}?|Under which number do I order the {s}?|{s} {a}|"
            "Which code do I quote for the {s}?",
        ),
        _special(
            "status light|LED|indicator",
            lambda r: r.choice(words.LED_STATES),
            "Watch the {s}: {v} tells that all is well.|A {s} with {v} needs no service.|"
            "The {s} signals {v} once it is connected.|If the {s} shows {v}, it is ready.|"
            "While charging, the {s} shows {v}.|The LED of the {s} is {v}.|{v} means that the {s} is ready.|"
            "When all is well the {s} glows {v}.",
            "It signals {v} once connected.|{v} tells that all is well.|"
            "The LED shows {v}.|{a}: {v}|It shows {v} when ready.|A healthy unit glows {v}.",
            "How does the {s} signal that it is ready?|What does the {s} signal?|What light is normal on the {s}?|"
            "What do I see on the {s} when all is well?|"
            "What does the LED of the {s} show?|Which light does the {s} show?|{s} LED|How does the {s} light up?",
        ),
        _special(
            "place of manufacture|factory|plant",
            lambda r: words.stem(r, False) + r.choice(["", "ville", "burg", " Bay", "ford", "ton"]),
            "Every {s} leaves our hall in {v}.|In {v}, forty people build the {s}.|"
            "The {s} has been made in {v} for years.|{v} is home to the {s}.|"
            "The {s} is built in {v}.|The {s} comes from {v}.|{v} is where the {s} is made.|"
            "We assemble the {s} in {v}.",
            "It leaves our hall in {v}.|{v} is its home.|"
            "It is built in {v}.|{a}: {v}|Made in {v}.|The factory lies in {v}.",
            "Where is the {s} built?|What is the {a} of the {s}?|In which place do they build the {s}?|"
            "From where is the {s} shipped?|Where is the home of the {s}?|"
            "Where is the {s} made?|Where does the {s} come from?|{s} {a}|In which town is the {s} assembled?",
        ),
        _special(
            "cleaning agent|cleaner",
            lambda r: r.choice(words.LIQUIDS),
            "A cloth with {v} is enough for the {s}.|Never take anything but {v} to the {s}.|"
            "Dirt on the {s} comes off with {v}.|For the {s} we recommend {v}.|"
            "Clean the {s} with {v}.|Use {v} for the {s}.|Wipe the {s} with {v}.|The {s} tolerates only {v}.",
            "Dirt comes off with {v}.|Never take anything but {v}.|"
            "Clean it with {v}.|Use {v}.|{a}: {v}|Only {v} is safe.",
            "What is safe to clean the {s}?|How does dirt come off the {s}?|Which {a} do you recommend for the {s}?|"
            "What do I take to the {s} when it is dirty?|"
            "What do I clean the {s} with?|Which {a} is used for the {s}?|What should the {s} be wiped with?|"
            "With what may I wash the {s}?",
        ),
    ),
    "setting": (
        _special(
            "default|default value",
            lambda r: r.choice([words.number(r), f"{r.randint(1, 90)} s", "true", "false", words.path(r)]),
            "Out of the box `{s}` is {v}.|`{s}`: {v} unless you say otherwise.|We ship `{s}` as {v}.|"
            "`{s}` starts at {v} and may be changed.|"
            "`{s}` defaults to {v}.|The default of `{s}` is {v}.|~ `{s}` ~ {v} ~|"
            "`{s}` (default {v})|If unset, `{s}` is {v}.",
            "Out of the box: {v}|We ship it as {v}.|It starts at {v}.|"
            "The default is {v}.|Default: {v}|If unset, {v} is taken.",
            "What is {s} out of the box?|How is {s} set by default?|default {s}|What is {s} when nobody sets it?|"
            "What do you ship {s} as?|"
            "What is the default of {s}?|What does {s} default to?|{s} default|"
            "Which value does {s} have if I leave it out?",
        ),
        _special(
            "environment variable|variable",
            words.path,
            "At the start `{s}` is taken from {v}.|{v} holds `{s}`.|`{s}` follows {v}.|Look into {v} for `{s}`.|"
            "`{s}` is read from {v}.|{v} overrides `{s}`.|Set {v} to change `{s}`.|`{s}` can be given as {v}.",
            "At the start it is taken from {v}.|It follows {v}.|Look into {v}.|"
            "It is read from {v}.|{a}: {v}|{v} overrides it.",
            "Where is {s} taken from?|What holds {s}?|What does {s} follow?|Where do I look for {s}?|"
            "What is the {a} of {s}?|"
            "Where is {s} read from?|What overrides {s}?|{s} {a}|How can {s} be given otherwise?",
        ),
        _special(
            "first version|availability",
            words.version,
            "`{s}` came with {v}.|Before {v} there was no `{s}`.|`{s}` ({v} and later) is optional.|"
            "Release {v} introduced `{s}`.|"
            "`{s}` exists since {v}.|`{s}` was added in version {v}.|Version {v} brought `{s}`.|"
            "From {v} on there is `{s}`.",
            "Came with {v}.|Only in {v} and later.|Introduced by {v}.|Added in {v}.|Since: {v}|It exists since {v}.",
            "Which version introduced {s}?|With which release did {s} come?|From which version on can I use {s}?|"
            "{s} first version|"
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
            "As {v}, {s} decides on this.|Ask {s}, {v}.|{s} was made {v} last spring.|{s} has been {v} for years.|"
            "{s} is {v}.|{s} works as {v}.|Our {v} is {s}.|The post of {v} is held by {s}.",
            "Has been {v} for years.|Made {v} last spring.|{a}: {v}|Works as {v}.|Holds the post of {v}.",
            "What is {s}'s {a}?|As what does {s} work?|Who is {s}?|What was {s} made?|In what position is {s}?|"
            "What does {s} do?|What is the {a} of {s}?|{s} job|Which post does {s} hold?",
        ),
        _special(
            "email|address|contact",
            words.path,
            "{s} answers mail to {v}.|Questions for {s} go to {v}.|Mail for {s}: {v}.|{s} reads {v} once a day.|"
            "Write to {s} at {v}.|{s} can be reached at {v}.|Contact {s}: {v}.|{v} reaches {s}.",
            "Questions go to {v}.|Answers mail to {v}.|Email: {v}|Reach out at {v}.|Write to {v}.",
            "Where do questions for {s} go?|How can I contact {s}?|Where does {s} get mail?|mail {s}|"
            "How do I reach {s}?|What is the {a} of {s}?|{s} contact|Where do I write to {s}?",
        ),
        _special(
            "start date|birthday|first day",
            words.date,
            "The first day of {s} was {v}.|{s} started in {v} as a trainee.|We hired {s} in {v}.|"
            "{s} signed a contract in {v}.|"
            "{s} joined in {v}.|{s} has been with us since {v}.|Since {v} {s} works here.|{s} came on board in {v}.",
            "Hired in {v}.|Started in {v} as a trainee.|Joined: {v}|With us since {v}.|Came on board in {v}.",
            "When did {s} start?|When was {s} hired?|How long has {s} been here?|When did {s} sign?|"
            "When did {s} join?|Since when is {s} with us?|{s} {a}|When did {s} come on board?",
        ),
    ),
    "company": (
        _special(
            "founding year|foundation",
            lambda r: str(r.randint(1850, 2024)),
            "{s} opened its doors in {v}.|The history of {s} goes back to {v}.|"
            "{s}, set up in {v}, is still a family business.|The papers of {s} were signed in {v}.|"
            "{s} was founded in {v}.|Founded in {v}, {s} has grown ever since.|{s} dates from {v}.|In {v} {s} began.",
            "It opened its doors in {v}.|Its history goes back to {v}.|"
            "Founded: {v}|It was founded in {v}.|It dates from {v}.",
            "When did {s} open its doors?|How old is {s}?|When was {s} set up?|What is the {a} of {s}?|"
            "When was {s} founded?|What year was {s} established?|{s} {a}|In which year did {s} begin?",
        ),
        _special(
            "headquarters|seat|head office",
            lambda r: words.stem(r, False) + r.choice(["", "ville", "burg", " Bay", "ford", "ton"]),
            "You find {s} in {v}, near the harbour.|{s} moved to {v} ten years ago.|Letters to {s} go to {v}.|"
            "{s} has its offices in {v}.|"
            "{s} is based in {v}.|The {a} of {s} is in {v}.|{s} has its {a} in {v}.|From {v}, {s} serves the world.",
            "It moved to {v}.|Letters go to {v}.|{a}: {v}|It is based in {v}.|It sits in {v}.",
            "Where do I find {s}?|To where did {s} move?|In which town is {s}?|Where are the offices of {s}?|"
            "Where is {s} based?|Where is the {a} of {s}?|{s} {a}|In which city does {s} sit?",
        ),
        _special(
            "chief executive|CEO|boss",
            words.person,
            "{v} took over {s} last year.|Since spring {s} answers to {v}.|{s} made {v} its {a}.|"
            "The owner of {s}, {v}, lives abroad.|"
            "{v} runs {s}.|{s} is led by {v}.|The {a} of {s} is {v}.|{v} heads {s}.|At the top of {s} stands {v}.",
            "{v} took it over.|It answers to {v}.|{a}: {v}|It is led by {v}.|At the top stands {v}.",
            "Who took over {s}?|To whom does {s} answer?|Whom did {s} make its {a}?|Name the {a} of {s}.|"
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
