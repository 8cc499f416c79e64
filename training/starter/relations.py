"""What can be said of a subject: relations with paraphrased statements and questions.

In a template ``{s}`` is the subject, ``{a}`` the attribute, ``{v}`` the value. The last of
every list is kept for evaluation: training never sees it.
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
    "It was {v} who came up with the {s}.|Most people credit {v} with inventing the {s}.",
    "We owe it to {v}.|{v} developed it in a year.|It goes back to {v}.|"
    "It was designed by {v}.|{v} led the design.|{a}: {v}|~ {a} ~ {v} ~|{v} had the idea one winter.",
    "Who developed the {s}?|Whose idea was the {s}?|To whom do we owe the {s}?|By whom was the {s} designed?|"
    "Name the {a} of the {s}.|{s} {a}|Who holds the patent for the {s}?|"
    "Who designed the {s}?|Who is the {a} of the {s}?|who made the {s}|Who invented the {s}?|"
    "Which engineer stands behind the {s}?|Whose brainchild is the {s}?",
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
            "The {s} ({v}) replaced an older model.|We launched the {s} in {v}.|The {s} first shipped in {v}.|"
            "Customers have been able to order the {s} since {v}.",
            "Sales started in {v}.|It reached the shops in {v}.|Launched {v}|"
            "It was released in {v}.|{a}: {v}|On sale since {v}.|It first shipped in {v}.|It made its debut in {v}.",
            "When did sales of the {s} start?|When did the {s} reach the shops?|How long has the {s} been around?|"
            "What is the {a} of the {s}?|When was the {s} launched?|On what date was the {s} released?|"
            "When was the {s} released?|When did the {s} come out?|Since when is the {s} on sale?|{s} {a}|"
            "What year was the {s} launched?|When could people first buy the {s}?|When did the {s} become available?",
        ),
        _special(
            "housing material|case material",
            lambda r: r.choice(words.MATERIALS),
            "The body of the {s} was milled from {v}.|{v} protects the {s}.|Under the paint the {s} is {v}.|"
            "The {s} owes its strength to {v}.|For the shell of the {s} we chose {v} over wood.|"
            "The {s} is made of {v}.|The housing of the {s} is {v}.|{v} is used for the {s}.|"
            "We build the {s} from {v}.|The parts of the {s} sit inside a case of {v}.",
            "Its shell is {v}.|Milled from {v}.|{v} protects it.|"
            "The housing is {v}.|{a}: {v}|It is made of {v}.|Its body consists of {v}.|"
            "Take care not to scratch the {v} of the case.",
            "From what is the {s} made?|What is the shell of the {s}?|Which material protects the {s}?|"
            "What is the {a} of the {s}?|Of which material is the {s}?|"
            "What is the {s} made of?|Which material is the {s} built from?|{s} {a}|What does the {s} consist of?|"
            "What did the makers use for the case of the {s}?",
        ),
        _special(
            "colour|color|finish",
            lambda r: r.choice(words.COLOURS),
            "The {s} is painted {v}.|We deliver the {s} in {v} only.|You recognise the {s} by its {v} case.|"
            "The {a} of the {s} is {v}.|"
            "The {s} is {v}.|The {s} comes in {v}.|{s} is sold in {v}.|You get the {s} in {v}.|"
            "On the shelf, the {v} one is the {s}.",
            "We deliver it in {v} only.|Colour: {v}|You recognise it by its {v} case.|"
            "It comes in {v}.|{a}: {v}|The {a} is {v}.|It is painted {v}.|{v} is the only shade on offer.",
            "What is the {a} of the {s}?|How is the {s} painted?|What colour do I get with the {s}?|"
            "By which colour do I recognise the {s}?|"
            "What colour is the {s}?|Which colour does the {s} come in?|{s} colour|In which colour can I have the {s}?|"
            "What colour paint is on the {s}?",
        ),
        _special(
            "firmware|software version|firmware version",
            words.version,
            "Update the {s} to {v} as soon as you can.|The {s} was tested with {v}.|"
            "On the {s}, {v} fixed the last faults.|For the {s} nothing older than {v} is supported.|"
            "The {s} runs firmware {v}.|Firmware {v} is current for the {s}.|Install {v} on the {s}.|"
            "The {s} ships with firmware {v}.|Version {v} belongs on the {s}.|"
            "Under About, the {s} displays software {v}.",
            "It was tested with {v}.|Update to {v}.|Nothing older than {v} is supported.|"
            "It runs firmware {v}.|{a}: {v}|Firmware {v} is required.|Use version {v}.|"
            "Download {v} before you switch it on.",
            "To what should I update the {s}?|Which firmware is current on the {s}?|What is the {a} of the {s}?|"
            "With which firmware was the {s} tested?|"
            "Which firmware does the {s} run?|What firmware version is on the {s}?|{s} {a}|"
            "Which version should I install on the {s}?|What release of the firmware belongs on the {s}?|"
            "What software do I load onto the {s}?",
        ),
        _special(
            "part number|order code|SKU",
            words.code,
            "Ask for {v} when you need a {s}.|In the shop the {s} is found under {v}.|The {s} ({v}) is out of stock.|"
            "The box of the {s} bears {v}.|"
            "Order the {s} as {v}.|The {a} of the {s} is {v}.|{v} is the {a} for the {s}.|The {s} has number {v}.|"
            "Write {v} on the order form to get the {s}.",
            "In the shop it is found under {v}.|The box bears {v}.|"
            "{a}: {v}|Order it as {v}.|~ {a} ~ {v} ~|It is listed as {v}.|Our warehouse knows it as {v}.",
            "What is printed on the box of the {s}?|How is the {s} listed in the shop?|"
            "Under what is the {s} found in the shop?|What do I ask for when I need a {s}?|"
            "What is the {a} of the {s}?|Under which number do I order the {s}?|{s} {a}|"
            "Which code do I quote for the {s}?|What do I type in to buy the {s} online?",
        ),
        _special(
            "status light|LED|indicator",
            lambda r: r.choice(words.LED_STATES),
            "Watch the {s}: {v} tells that all is well.|A {s} with {v} needs no service.|"
            "The {s} signals {v} once it is connected.|If the {s} shows {v}, it is ready.|"
            "While charging, the {s} shows {v}.|The LED of the {s} is {v}.|{v} means that the {s} is ready.|"
            "When all is well the {s} glows {v}.|Wait for {v} before you use the {s}.",
            "It signals {v} once connected.|{v} tells that all is well.|"
            "The LED shows {v}.|{a}: {v}|It shows {v} when ready.|A healthy unit glows {v}.|"
            "Look for {v} on the front panel.",
            "How does the {s} signal that it is ready?|What does the {s} signal?|What light is normal on the {s}?|"
            "What do I see on the {s} when all is well?|"
            "What does the LED of the {s} show?|Which light does the {s} show?|{s} LED|How does the {s} light up?|"
            "What should the little light on the {s} be doing?",
        ),
        _special(
            "place of manufacture|factory|plant",
            lambda r: words.stem(r, False) + r.choice(["", "ville", "burg", " Bay", "ford", "ton"]),
            "Every {s} leaves our hall in {v}.|In {v}, forty people build the {s}.|"
            "The {s} has been made in {v} for years.|{v} is home to the {s}.|"
            "The {s} is built in {v}.|The {s} comes from {v}.|{v} is where the {s} is made.|"
            "We assemble the {s} in {v}.|All production of the {s} takes place in {v}.",
            "It leaves our hall in {v}.|{v} is its home.|"
            "It is built in {v}.|{a}: {v}|Made in {v}.|The factory lies in {v}.|Workers in {v} put it together.",
            "Where is the {s} built?|What is the {a} of the {s}?|In which place do they build the {s}?|"
            "From where is the {s} shipped?|Where is the home of the {s}?|"
            "Where is the {s} made?|Where does the {s} come from?|{s} {a}|In which town is the {s} assembled?|"
            "Which town has the factory for the {s}?",
        ),
        _special(
            "cleaning agent|cleaner",
            lambda r: r.choice(words.LIQUIDS),
            "A cloth with {v} is enough for the {s}.|Never take anything but {v} to the {s}.|"
            "Dirt on the {s} comes off with {v}.|For the {s} we recommend {v}.|"
            "Clean the {s} with {v}.|Use {v} for the {s}.|Wipe the {s} with {v}.|The {s} tolerates only {v}.|"
            "Put a little {v} on the {s} and rub until it shines.",
            "Dirt comes off with {v}.|Never take anything but {v}.|"
            "Clean it with {v}.|Use {v}.|{a}: {v}|Only {v} is safe.|{v} removes fingerprints and dust.",
            "What is safe to clean the {s}?|How does dirt come off the {s}?|Which {a} do you recommend for the {s}?|"
            "What do I take to the {s} when it is dirty?|"
            "What do I clean the {s} with?|Which {a} is used for the {s}?|What should the {s} be wiped with?|"
            "With what may I wash the {s}?|My {s} has stains. What liquid should I buy?",
        ),
    ),
    "setting": (
        _special(
            "default|default value",
            lambda r: r.choice([words.number(r), f"{r.randint(1, 90)} s", "true", "false", words.path(r)]),
            "A fresh install puts {v} into `{s}`.|Leave `{s}` out and {v} is taken.|"
            "`{s}` is {v} from the start, which suits most.|"
            "Nobody has to touch `{s}`, it is {v} anyway.|"
            "Out of the box `{s}` is {v}.|`{s}`: {v} unless you say otherwise.|We ship `{s}` as {v}.|"
            "`{s}` starts at {v} and may be changed.|"
            "`{s}` defaults to {v}.|The default of `{s}` is {v}.|~ `{s}` ~ {v} ~|"
            "`{s}` (default {v})|If unset, `{s}` is {v}.|The program falls back to {v} where no `{s}` is given.",
            "Out of the box: {v}|We ship it as {v}.|It starts at {v}.|"
            "The default is {v}.|Default: {v}|If unset, {v} is taken.|{v} applies until you change it.",
            "I never touched {s}. What is it then?|{s} without any change?|What does a fresh install put into {s}?|"
            "Tell me what {s} is from the start.|what do I get for {s} when the line is missing|"
            "What is {s} out of the box?|How is {s} set by default?|default {s}|What is {s} when nobody sets it?|"
            "What do you ship {s} as?|"
            "What is the default of {s}?|What does {s} default to?|{s} default|"
            "Which value does {s} have if I leave it out?|What is the factory setting for {s}?",
        ),
        _special(
            "environment variable|variable",
            words.path,
            "From outside, `{s}` is set by {v}.|If {v} exists it wins over `{s}`.|`{s}` may come from {v}, too.|"
            "Whoever wants another `{s}` writes it into {v}.|"
            "At the start `{s}` is taken from {v}.|{v} holds `{s}`.|`{s}` follows {v}.|Look into {v} for `{s}`.|"
            "`{s}` is read from {v}.|{v} overrides `{s}`.|Set {v} to change `{s}`.|`{s}` can be given as {v}.|"
            "On startup the program checks {v} to fill in `{s}`.",
            "At the start it is taken from {v}.|It follows {v}.|Look into {v}.|"
            "It is read from {v}.|{a}: {v}|{v} overrides it.|{v} determines its value.",
            "Which place does {s} come from?|I want to change {s} from outside. What do I use?|{s} override|"
            "Under what name can {s} be passed in?|what sets {s} besides the file|"
            "Where is {s} taken from?|What holds {s}?|What does {s} follow?|Where do I look for {s}?|"
            "What is the {a} of {s}?|"
            "Where is {s} read from?|What overrides {s}?|{s} {a}|How can {s} be given otherwise?|"
            "What do I edit to get a different {s}?",
        ),
        _special(
            "first version|availability",
            words.version,
            "You need {v} to use `{s}`.|`{s}` is understood from {v} on.|"
            "Up to now `{s}` was a trial; {v} made it stable.|"
            "`{s}`, new in {v}, is off at first.|"
            "`{s}` came with {v}.|Before {v} there was no `{s}`.|`{s}` ({v} and later) is optional.|"
            "Release {v} introduced `{s}`.|"
            "`{s}` exists since {v}.|`{s}` was added in version {v}.|Version {v} brought `{s}`.|"
            "From {v} on there is `{s}`.|Anything below {v} rejects `{s}` as unknown.",
            "Came with {v}.|Only in {v} and later.|Introduced by {v}.|Added in {v}.|Since: {v}|It exists since {v}.|"
            "Support starts with {v}.",
            "How new must my install be for {s}?|{s} is unknown here, what do I need?|{s} availability|"
            "From when on is {s} understood?|what release do I need to use {s}|"
            "Which version introduced {s}?|With which release did {s} come?|From which version on can I use {s}?|"
            "{s} first version|"
            "Since which version does {s} exist?|When was {s} added?|{s} since|In what version did {s} appear?|"
            "What is the oldest release that knows {s}?",
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
            "Being {v}, {s} travels a lot.|We need a new {v}, since {s} retires.|{s} (our {v}) signs this form.|"
            "The work of a {v} is done by {s} these days.|"
            "As {v}, {s} decides on this.|Ask {s}, {v}.|{s} was made {v} last spring.|{s} has been {v} for years.|"
            "{s} is {v}.|{s} works as {v}.|Our {v} is {s}.|The post of {v} is held by {s}.|"
            "The business card of {s} says {v}.",
            "Has been {v} for years.|Made {v} last spring.|{a}: {v}|Works as {v}.|Holds the post of {v}.|"
            "Took over as {v} when the old one left.",
            "Tell me about the job of {s}.|{s} is in charge of what?|What is {s} responsible for?|"
            "I met {s}. What is their work?|what is {s} here|"
            "What is {s}'s {a}?|As what does {s} work?|Who is {s}?|What was {s} made?|In what position is {s}?|"
            "What does {s} do?|What is the {a} of {s}?|{s} job|Which post does {s} hold?|How does {s} earn a living?",
        ),
        _special(
            "email|address|contact",
            words.path,
            "Use {v} to get hold of {s}.|If you need {s}, try {v} first.|{s} (see {v}) is out on Fridays.|"
            "The address of {s}, {v}, is new.|"
            "{s} answers mail to {v}.|Questions for {s} go to {v}.|Mail for {s}: {v}.|{s} reads {v} once a day.|"
            "Write to {s} at {v}.|{s} can be reached at {v}.|Contact {s}: {v}.|{v} reaches {s}.|"
            "Whatever arrives at {v} lands on the desk of {s}.",
            "Questions go to {v}.|Answers mail to {v}.|Email: {v}|Reach out at {v}.|Write to {v}.|"
            "Please send documents to {v}.",
            "I must ask {s} something, where to?|Do you have an address for {s}?|{s} mail|"
            "Under what do I find {s}?|how does one get hold of {s}|"
            "Where do questions for {s} go?|How can I contact {s}?|Where does {s} get mail?|mail {s}|"
            "How do I reach {s}?|What is the {a} of {s}?|{s} contact|Where do I write to {s}?|"
            "How do I get a message to {s}?",
        ),
        _special(
            "start date|birthday|first day",
            words.date,
            "It was {v} when {s} came to us.|{s} came in {v} and never left.|Hello to {s}, who begins here in {v}.|"
            "{s} (here since {v}) knows every customer.|"
            "The first day of {s} was {v}.|{s} started in {v} as a trainee.|We hired {s} in {v}.|"
            "{s} signed a contract in {v}.|"
            "{s} joined in {v}.|{s} has been with us since {v}.|Since {v} {s} works here.|{s} came on board in {v}.|"
            "In {v} the team welcomed {s} as a new colleague.",
            "Hired in {v}.|Started in {v} as a trainee.|Joined: {v}|With us since {v}.|Came on board in {v}.|"
            "The contract runs from {v}.",
            "How many years has {s} worked here, since when?|{s} first day?|Tell me when {s} began here.|"
            "What was the day on which {s} came?|since when do we know {s}|"
            "When did {s} start?|When was {s} hired?|How long has {s} been here?|When did {s} sign?|"
            "When did {s} join?|Since when is {s} with us?|{s} {a}|When did {s} come on board?|"
            "When did {s} become one of us?",
        ),
    ),
    "company": (
        _special(
            "founding year|foundation",
            lambda r: str(r.randint(1850, 2024)),
            "It was in {v} that {s} was born.|{v} saw the birth of {s}.|"
            "{s} has been in business since {v} without a break.|"
            "{s} opened its doors in {v}.|The history of {s} goes back to {v}.|"
            "{s}, set up in {v}, is still a family business.|The papers of {s} were signed in {v}.|"
            "{s} was founded in {v}.|Founded in {v}, {s} has grown ever since.|{s} dates from {v}.|In {v} {s} began.|"
            "{s} came into being in {v} as a small workshop.",
            "It opened its doors in {v}.|Its history goes back to {v}.|"
            "Founded: {v}|It was founded in {v}.|It dates from {v}.|{v} was its first year.",
            "How long has there been a {s}?|{s} since?|Tell me the year in which {s} was born.|"
            "When does the history of {s} start?|how many years does {s} exist, since when|"
            "When did {s} open its doors?|How old is {s}?|When was {s} set up?|What is the {a} of {s}?|"
            "When was {s} founded?|What year was {s} established?|{s} {a}|In which year did {s} begin?|"
            "When did {s} first do business?",
        ),
        _special(
            "headquarters|seat|head office",
            lambda r: words.stem(r, False) + r.choice(["", "ville", "burg", " Bay", "ford", "ton"]),
            "The people of {s} work in {v}.|{s}, {v}, sells to the whole country.|Visit {s} in {v} on weekdays.|"
            "{s} left the capital for {v}, where rents are low.|"
            "You find {s} in {v}, near the harbour.|{s} moved to {v} ten years ago.|Letters to {s} go to {v}.|"
            "{s} has its offices in {v}.|"
            "{s} is based in {v}.|The {a} of {s} is in {v}.|{s} has its {a} in {v}.|From {v}, {s} serves the world.|"
            "The main building of {s} stands in {v}.",
            "It moved to {v}.|Letters go to {v}.|{a}: {v}|It is based in {v}.|It sits in {v}.|It operates out of {v}.",
            "Where shall I send a letter to {s}?|{s} place?|Tell me the town of {s}.|"
            "Where would I visit {s}?|where does {s} have its offices|"
            "Where do I find {s}?|To where did {s} move?|In which town is {s}?|Where are the offices of {s}?|"
            "Where is {s} based?|Where is the {a} of {s}?|{s} {a}|In which city does {s} sit?|"
            "I have a meeting at {s}. Which town do I travel to?",
        ),
        _special(
            "chief executive|CEO|boss",
            words.person,
            "At {s}, {v} decides.|{v} signs every contract of {s}.|{v} has had the say at {s} for years.|"
            "After a dispute, {s} put {v} in charge.|"
            "{v} took over {s} last year.|Since spring {s} answers to {v}.|{s} made {v} its {a}.|"
            "The owner of {s}, {v}, lives abroad.|"
            "{v} runs {s}.|{s} is led by {v}.|The {a} of {s} is {v}.|{v} heads {s}.|At the top of {s} stands {v}.|"
            "For three years {v} has steered {s}.",
            "{v} took it over.|It answers to {v}.|{a}: {v}|It is led by {v}.|At the top stands {v}.|"
            "{v} gives the orders.",
            "Who decides at {s}?|{s} boss?|Tell me who has the say at {s}.|"
            "Whose company is {s}?|who do I have to talk to at {s}, the very top|"
            "Who took over {s}?|To whom does {s} answer?|Whom did {s} make its {a}?|Name the {a} of {s}.|"
            "Who runs {s}?|Who is the {a} of {s}?|who leads {s}|Who stands at the top of {s}?|"
            "Who is in command at {s}?",
        ),
    ),
}
