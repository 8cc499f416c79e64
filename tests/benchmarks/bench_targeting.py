"""A round aimed at the largest kind of error, where it is known what the training questions lack.

    python tests/benchmarks/bench_targeting.py [LACK ...] [--seeds 1] [--validation 80] [--keep DIRECTORY]

Pages on machines: two facts in sentences, and a table of parts. All training questions ask for the facts. Half of the
validation questions ask for what they lack: *cells* of the table, or a fact that the page does not tell, which is to be
*refused*. The default generator is trained on them (`lockstep retrain`), then once more with rows for what it does
worst (`lockstep retrain --target largest`), out of training documents alone. A line for each run: how many errors of
that kind, and of all kinds, before and after, with paired 95 % intervals.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from bench_planted import FILLING, command

FACTS = {"weight": "kilograms", "speed": "turns", "depth": "metres", "age": "years", "load": "tons"}
COLUMNS = ("Material", "Supplier", "Length", "Stock")
LACKS = ("cells", "refused")
PARTS = ("bolt", "hinge", "valve", "wheel", "spring", "panel", "motor", "fuse", "lever", "gasket")
MATERIALS = ("iron", "oak", "copper", "nylon", "zinc", "rubber", "slate", "felt")
SUPPLIERS = ("Hallmann", "Dreyer", "Okafor", "Silva", "Brandt", "Novak", "Iyer", "Moreau")
SETTINGS = """
[prompt]
max_passages = 2
[generator]
max_new_tokens = 24
[training]
seed = {seed}
loss = false
embedder_enabled = false
[training.data]
passages = 2
abstention_share = {refused}
most_validation = {validation}
most_test = 20
[training.verdict]
forgetting = "ignore"
[training.estimate]
enabled = false
[training.generator]
epochs = 1
batch_size = 4
evaluations = 1
learning_rate = 3e-4
averaging = []
most_rows = 32
"""


def build(place: Path, lack: str, seed: int, validation: int) -> None:
    """Documents, questions and settings. Where refusals are lacking, none is made of the training questions either."""
    random = Random(seed)
    syllables = [first + second for first in "bdfgklmnprstvz" for second in ("a", "e", "i", "o", "u", "ar", "en", "il")]
    names = list(dict.fromkeys("".join(random.choices(syllables, k=3)).capitalize() for _ in range(200)))[:120]
    (place / "documents").mkdir()
    facts: list[tuple[str, str, str]] = []
    lacking: list[tuple[str, str, str]] = []
    for name in names:
        said = []
        *told, untold = random.sample([*FACTS], 3)
        for fact in told:
            value = f"{random.randint(100, 999)} {FACTS[fact]}"
            said += [
                f"The {fact} of the {name} is {value}.",
                " ".join(random.sample(FILLING.split(), 7)).capitalize() + ".",
            ]
            facts.append((name, f"What is the {fact} of the {name}?", value))
        rows = []
        for part in random.sample(PARTS, 4):
            values = (
                random.choice(MATERIALS),
                random.choice(SUPPLIERS),
                f"{random.randint(100, 999)} mm",
                f"{random.randint(10, 99)} pieces",
            )
            rows.append(f"| {part} | " + " | ".join(values) + " |")
            column, value = random.choice([*zip(COLUMNS, values, strict=True)])
            if lack == "cells":
                lacking.append((name, f"What is the {column.lower()} of the {part} of the {name}?", value))
        if lack == "refused":
            lacking.append((name, f"What is the {untold} of the {name}?", ""))
        head = f"| Part | {' | '.join(COLUMNS)} |\n|{'---|' * 5}"
        text = f"# {name}\n\n{' '.join(said)}\n\n## Parts\n\n{head}\n" + "\n".join(rows) + "\n"
        (place / "documents" / f"{name}.md").write_text(text)
    parts = {"train": names[:40], "validation": names[40:100], "test": names[100:]}
    asked = []
    for split, own, count in (
        ("train", facts, 40),
        ("validation", facts, validation // 2),
        ("validation", lacking, validation // 2),
        ("test", facts, 10),
        ("test", lacking, 10),
    ):
        some = random.sample([one for one in own if one[0] in parts[split]], count)
        asked += [
            {"question": question, "answers": [value], "document_ids": [f"{name}.md"], "split": split}
            if value
            else {"question": question, "answers": [], "document_ids": [], "split": split}
            for name, question, value in some
        ]
    (place / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    refused = 0.0 if lack == "refused" else 0.2
    (place / "lockstep.toml").write_text(SETTINGS.format(seed=seed, validation=validation, refused=refused))


def run(place: Path, lack: str, seed: int, validation: int) -> dict[str, Any]:
    """What the second round comes to."""
    build(place, lack, seed, validation)
    where, asked = ["--workspace", str(place)], ["--examples", str(place / "questions.jsonl")]
    command("ingest", str(place / "documents"), *where)
    command("retrain", *asked, *where)
    return command("retrain", *asked, "--target", "largest", *where)


def main(arguments: Sequence[str]) -> int:
    """Print a line for each run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lacks", nargs="*", metavar="LACK", help=f"of: {', '.join(LACKS)}")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--validation", type=int, default=80)
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="where the workspaces stay")
    given = parser.parse_args(arguments)
    for lack in given.lacks or LACKS:
        for seed in range(1, given.seeds + 1):
            with tempfile.TemporaryDirectory() as directory:
                place = Path(directory) if given.keep is None else given.keep / f"{lack}-{seed}"
                place.mkdir(parents=True, exist_ok=True)
                found = run(place, lack, seed, given.validation)["target"]
                print(f"{lack}, seed {seed}: {json.dumps(found)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
