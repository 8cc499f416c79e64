"""Planted cases through the whole of it: documents, study, mining, training of the embedder, verdict and release.

    python tests/benchmarks/bench_planted.py [CASE ...] [--seeds 5]

Each case makes documents of machines with some facts each, and questions in words of their own. A scripted reader
behind the address of a generator answers from the passages that it is shown, so what helps and what harms is known.
What is trained is the embedder, for real. A line for each run: what was chosen, the verdict, and whether it is right.
"""

import argparse
import hashlib
import json
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

from service.commands.main import main as lockstep

ABSTENTION = "I cannot find this in the documents."
UNITS = {"weight": "kilograms", "speed": "turns", "depth": "metres", "price": "crowns", "age": "years", "load": "tons"}
OWN_WORDS = {"weight": "glimp", "speed": "vorrel", "depth": "tasken", "price": "omby", "age": "quistle", "load": "jarp"}
"""What people who ask say for what the documents call otherwise: no model knows these words beforehand."""
FILLING = (
    "red blue green old new large small quick slow warm cold north south east west river road house tree stone water "
    "light paper glass iron wood table door window garden field boat train bridge market school letter song "
    "winter summer"
)
CAREFUL = "Read every passage twice."
"""Stands in the prompt that a study may find."""
FACT = re.compile(r"The (\w+) of the (\w+) is (\d+ \w+)\.")
ASKED = re.compile(r"What is the (\w+) of the (\w+)\?")
PASSAGE = re.compile(r"^\[(\d+)\]", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """What is planted, and what the verdict must make of it."""

    right: Callable[[dict[str, Any]], bool]
    """Of what ``lockstep retrain --json`` prints."""
    careful: bool = False
    """Whether a study tries the careful prompt."""
    own_words: bool = False
    """Whether questions are asked in other words than the documents'."""
    shuffled: bool = False
    """Whether the documents of the training questions are mixed up."""
    answers: tuple[float, float] = (1.0, 1.0)
    """How often the reader finds an answer that it is shown: asked plainly, and carefully."""
    abstains: tuple[float, float] = (1.0, 1.0)
    """How often it does where no passage answers."""
    test: int = 90
    """Test questions that have an answer."""
    hangs_on_passages: bool = False
    """Whether chance is drawn anew for other passages: systems then differ by noise alone."""


def _promoted(value: dict[str, Any], chosen: str, reason: str) -> bool:
    return value["verdict"] == "promoted" and value["chosen"] == chosen and reason in " ".join(value["reasons"])


CASES = {
    "a prompt is enough": Case(
        lambda value: _promoted(value, "prompt only", "No fine-tuning is needed"), careful=True, answers=(0.4, 0.85)
    ),
    "only the embedder helps": Case(
        lambda value: _promoted(value, "embedder tuned", "nDCG@10 rose"), own_words=True, answers=(0.9, 0.9)
    ),
    "tuning harms": Case(
        lambda value: value["verdict"] != "promoted" and value["chosen"] == "settings only",
        own_words=True,
        shuffled=True,
        answers=(0.8, 0.8),
    ),
    "the gain is noise": Case(
        lambda value: value["verdict"] == "kept" and "Small sample" in " ".join(value["reasons"]),
        answers=(0.5, 0.5),
        test=15,
        hangs_on_passages=True,
    ),
    "only abstention improves": Case(
        # By the prompt, or by a threshold of similarity, which does as much here: nothing is trained either way.
        lambda value: any(_promoted(value, arm, "from abstaining") for arm in ("prompt only", "settings only")),
        careful=True,
        answers=(0.7, 0.7),
        abstains=(0.05, 0.95),
    ),
}


class Reader:
    """Answers from the passages it is shown, as often as the case says."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.seed = case, seed
        self.means = {word: name for name, word in OWN_WORDS.items()}

    def answer(self, system: str, user: str) -> str:
        """What it says to a prompt."""
        word, machine = ASKED.findall(user)[-1]
        wanted, careful = self.means.get(word, word), CAREFUL in system
        passages = PASSAGE.split(user)[1:]
        marks = dict(zip(passages[::2], passages[1::2], strict=True))
        for mark, text in marks.items():
            for name, of, value in FACT.findall(text):
                if (name, of) == (wanted, machine):
                    found = self._happens(self.case.answers[careful], "answer", word, machine, *marks.values())
                    return f"{value} [{mark}]." if found else f"7 litres [{mark}]."
        return ABSTENTION if self._happens(self.case.abstains[careful], "abstain", word, machine) else "7 litres [1]."

    def _happens(self, chance: float, *what: str) -> bool:
        known = what if self.case.hangs_on_passages else what[:3]
        drawn = hashlib.sha256("|".join([str(self.seed), *known]).encode()).digest()
        return int.from_bytes(drawn[:4], "big") / 2**32 < chance


@contextmanager
def served(reader: Reader) -> Iterator[str]:
    """The address of a server with OpenAI's chat completions behind which a reader sits."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send("application/json", {"object": "list", "data": [{"id": "reader", "object": "model"}]})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            contents = {one["role"]: one["content"] for one in asked["messages"]}
            message = {"role": "assistant", "content": reader.answer(contents["system"], contents["user"])}
            choice = {"index": 0, "message": message, "delta": message, "finish_reason": "stop"}
            body = {"id": "x", "object": "chat.completion", "created": 1, "model": "reader", "choices": [choice]}
            if not asked.get("stream"):
                return self._send("application/json", body)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            chunk = json.dumps(body | {"object": "chat.completion.chunk"})
            self.wfile.write(f"data: {chunk}\n\ndata: [DONE]\n\n".encode())

        def _send(self, kind: str, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def build(place: Path, case: Case, seed: int, url: str) -> None:
    """Documents, questions and settings of a case."""
    random = Random(seed)
    syllables = [first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u", "ar", "en", "il")]
    words = ["".join(random.choices(syllables, k=random.choice([2, 3]))) for _ in range(2000)]
    machines = [one.capitalize() for one in dict.fromkeys(words)][:40]
    facts = [(machine, name) for machine in machines for name in UNITS]
    (place / "documents").mkdir()
    value = {}
    for machine, name in facts:
        value[machine, name] = f"{random.randint(100, 999)} {UNITS[name]}"
        around = [" ".join(random.sample(FILLING.split(), 7)).capitalize() + "." for _ in range(2)]
        text = f"{around[0]} The {name} of the {machine} is {value[machine, name]}. {around[1]}"
        (place / "documents" / f"{machine}-{name}.md").write_text(f"# {machine}, {name}\n\n{text}\n")
    random.shuffle(facts)
    splits = ["test"] * case.test + ["validation"] * 60 + ["train"] * (len(facts) - case.test - 60)
    rows = []
    for (machine, name), split in zip(facts, splits, strict=True):
        word = OWN_WORDS[name] if case.own_words else name
        source = f"{machine}-{name}.md"
        row = {"question": f"What is the {word} of the {machine}?", "answers": [value[machine, name]]}
        rows.append(row | {"document_ids": [source], "split": split})
    if case.shuffled:
        own = [row for row in rows if row["split"] == "train"]
        mixed = random.sample([(row["document_ids"], row["answers"]) for row in own], len(own))
        for row, (documents, answers) in zip(own, mixed, strict=True):
            row |= {"document_ids": documents, "answers": answers}
    absent = [f"{first}ox".capitalize() for first in dict.fromkeys(words[1000:])]
    for split, count in (("test", case.test // 3), ("validation", 20), ("train", 10)):
        for _ in range(count):
            row = {"question": f"What is the {random.choice([*UNITS])} of the {absent.pop()}?", "answers": []}
            rows.append(row | {"document_ids": [], "split": split})
    (place / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "prompts").mkdir()
    careful = f"Answer from the passages and cite, like this: 42 mm [2]. {CAREFUL} Else reply: {{abstention}}"
    user = "{examples}\\n\\n{passages}\\n\\nQuestion: {question}"
    (place / "prompts" / "careful.toml").write_text(f'system = "{careful}"\nuser = "{user}"\n')
    training = "epochs = 3\n" if case.own_words else "epochs = 1\n"
    training += "learning_rate = 5e-4\naveraging = []\n" if case.shuffled else ""
    (place / "lockstep.toml").write_text(
        f'[generator]\nurl = "{url}"\nmodel = "reader"\n[prompt]\nmax_passages = 2\n'
        f"[training]\nseed = {seed}\ngenerator_enabled = false\nloss = false\n[training.estimate]\nenabled = false\n"
        f"[training.embedder]\n{training}"
    )


def command(*words: str) -> dict[str, Any]:
    """What a command prints as JSON.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    said, aside = StringIO(), StringIO()
    with redirect_stdout(said), redirect_stderr(aside):
        status = lockstep([*words, "--json"])
    if status:
        raise RuntimeError(said.getvalue() + aside.getvalue())
    return dict(json.loads(said.getvalue()))


def run(case: Case, seed: int) -> dict[str, Any]:
    """What a retraining makes of a case."""
    with tempfile.TemporaryDirectory() as directory, served(Reader(case, seed)) as url:
        place = Path(directory)
        build(place, case, seed, url)
        where, asked = ["--workspace", directory], ["--examples", str(place / "questions.jsonl")]
        command("ingest", str(place / "documents"), *where)
        if case.careful:
            ways = ["--prompt", "careful", "--shots", "0", "--passages", "2", "--mode", "direct"]
            command("study", *asked, *ways, *where)
        return command("retrain", *asked, *where)


def main(arguments: Sequence[str]) -> int:
    """Print a line for each run; 1 where a verdict was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of: {', '.join(CASES)}")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args(arguments)
    wrong = 0
    for name in given.cases or CASES:
        for seed in range(1, given.seeds + 1):
            value = run(CASES[name], seed)
            right = CASES[name].right(value)
            wrong += not right
            print(f"{name}, seed {seed}: {value['verdict']} ({value['chosen']}), {'right' if right else 'WRONG'}")
            for reason in value["reasons"][: 2 if right else None]:
                print(f"    {reason}", flush=True)
    print(f"wrong: {wrong}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
