"""How faults and maintenance steps are put into words.

``{c}`` is an error code, ``{f}`` the fault, ``{r}`` the remedy; ``{o}`` what is done (``{V}`` at the
start), ``{p}`` to which part, ``{t}`` with which tool; ``{d}`` a duration. The last of each list
is kept for evaluation: training never sees it.
"""

FAULT_LINES = (
    "| {c} | {f} | {r} |",
    "{c}: {f}. To fix it, {r}.",
    "- {c} means {f}; {r}.",
    "Error {c} ({f}): {r}.",
    "{c} – {f}. Remedy: {r}.",
    "When the display says {c}, it reports {f}: {r}.",
    "Code {c} stands for {f}. What helps: {r}.",
    "{c} ({f})\n  → {r}",
    "* {c}: {f} (remedy: {r})",
    "On {f} the unit shows {c}; then {r}.",
    "{c}; {f}; {r}",
    "{c}\nmeaning: {f}\nremedy: {r}",
    "A {c} tells of {f}. Please {r} before going on.",
    "We see {c} after {f}. Most people {r} and are done.",
    "If {c} shows up, the cause is {f} and you should {r}.",
)
FAULT_QUESTIONS = (
    "What does {c} mean?",
    "What is error {c}?",
    "{c} meaning",
    "What is wrong at {c}?",
    "The display says {c}, what is it?",
    "Which fault is behind {c}?",
    "{c}?",
    "Explain {c}.",
    "What does code {c} stand for?",
    "Of what does {c} tell?",
    "Why does it show {c}?",
)
REMEDY_QUESTIONS = (
    "How do I fix {c}?",
    "What do I do about {c}?",
    "{c} solution",
    "What helps against {c}?",
    "What must be done at {c}?",
    "{c} fix",
    "How is {c} solved?",
    "Remedy for {c}?",
    "Which measure ends {c}?",
    "I have {c}, what now?",
    "How to get rid of {c}?",
)
STEPS = (
    "{V} the {p} with the {t}.",
    "Use the {t} to {o} the {p}.",
    "With the {t}, {o} the {p}.",
    "Take the {t} and {o} the {p}.",
    "{V} the {p} (tool: {t}).",
    "You need the {t} to {o} the {p}.",
    "To {o} the {p}, take the {t} from the kit.",
    "{V} the {p}; the {t} is best.",
    "Before you {o} the {p}, have the {t} at hand.",
    "The {t} serves to {o} the {p}.",
)
WAITS = (
    "Then wait {d}.",
    "Let it rest for {d}.",
    "Give it {d}.",
    "Go on after {d}.",
    "Pause: {d}.",
    "Wait {d} before the next step.",
    "It takes {d} to settle.",
    "{d} later it is ready.",
    "Leave it alone for {d}.",
)
TOOL_QUESTIONS = (
    "What do I {o} the {p} with?",
    "Tool to {o} the {p}?",
    "What should I have at hand to {o} the {p}?",
    "What is used to {o} the {p}?",
    "Which tool is for the {p}, I want to {o} it?",
    "Which tool do I need to {o} the {p}?",
)
WAIT_QUESTIONS = (
    "How much time do I give it once I {o} the {p}?",
    "I {o} the {p}, when may I go on?",
    "For how long should I pause after I {o} the {p}?",
    "What is the pause after I {o} the {p}?",
    "How long do I wait after I {o} the {p}?",
)
