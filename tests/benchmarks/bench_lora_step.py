"""Tokens a second and memory of LoRA training on the default generator: Lockstep's against trl's with peft.

    python tests/benchmarks/bench_lora_step.py [STEPS]

The same rows (600 tokens, 8 to a step), the same rank, each at its own defaults otherwise and in a process of its own;
bf16 only where the processor multiplies it, since trl's default would be emulated elsewhere. The first step warms up.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

BATCH, TOKENS = 8, 600


class Row:
    """A supervised row of random words."""

    def __init__(self, number: int) -> None:
        random = Random(number)
        words = [
            "valve",
            "hose",
            "pump",
            "sensor",
            "buoy",
            "anchor",
            "cable",
            "winch",
            "float",
            "mast",
            "lamp",
            "motor",
            "rotor",
            "relay",
            "fuse",
            "gauge",
        ]
        text = " ".join(random.choice(words) for _ in range(TOKENS - 60))
        self.messages = [
            {"role": "system", "content": "Answer with the words of the passages."},
            {"role": "user", "content": f"Question: which?\n\n[1]\n{text}\n\nQuestion: which?"},
        ]
        self.completion = f"{random.choice(words)} [1]"


def lockstep(rows: list[Row], place: Path) -> list[float]:
    """Times at which steps ended."""
    from training.generator.packaged import GROUNDED, packaged_generator
    from training.generator.training import train_generator
    from training.settings import GeneratorTraining

    ends: list[float] = []

    def event(fields: dict[str, Any]) -> None:
        if len(fields) == 3:
            ends.append(time.monotonic())

    settings = GeneratorTraining(epochs=1, batch_size=BATCH, evaluations=1)
    base = packaged_generator(GROUNDED)
    train_generator(base, rows, lambda _: 0.0, place / "adapter", settings, abstention="No.", events=event)
    return ends


def trl(rows: list[Row], place: Path) -> list[float]:
    """Times at which steps ended."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from retrieval.hardware import cpu_has_bf16
    from training.generator.packaged import GROUNDED, packaged_generator
    from training.settings import GeneratorTraining

    ends: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.monotonic())

    settings = GeneratorTraining()
    SFTTrainer(
        model=str(packaged_generator(GROUNDED)),
        args=SFTConfig(
            output_dir=str(place),
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            use_cpu=True,
            bf16=cpu_has_bf16(),
            report_to=[],
            save_strategy="no",
        ),
        train_dataset=Dataset.from_list(
            [{"prompt": row.messages, "completion": [{"role": "assistant", "content": row.completion}]} for row in rows]
        ),
        peft_config=LoraConfig(
            task_type="CAUSAL_LM", r=settings.rank, lora_alpha=settings.alpha, target_modules="all-linear"
        ),
        callbacks=[Clock()],
    ).train()
    return ends


def measured(way: str, steps: int) -> None:
    """One way, in this process; prints seconds and peak memory."""
    with tempfile.TemporaryDirectory() as place:
        ends = {"lockstep": lockstep, "trl": trl}[way]([Row(i) for i in range(BATCH * (steps + 1))], Path(place))
    seconds = (ends[-1] - ends[0]) / steps
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print("\n" + json.dumps({"seconds": seconds, "peak": peak}))


def main(steps: int) -> None:
    found = {}
    for way in ("trl", "lockstep"):
        done = subprocess.run([sys.executable, __file__, way, str(steps)], capture_output=True, text=True, check=True)
        found[way] = json.loads(done.stdout.strip().splitlines()[-1])
        rate, peak = BATCH * TOKENS / found[way]["seconds"], found[way]["peak"] / 1e9
        print(f"{way:10} {rate:6.0f} tokens/s, {peak:.1f} GB at most", flush=True)
    print(f"Lockstep's is {found['trl']['seconds'] / found['lockstep']['seconds']:.2f} times as fast")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measured(sys.argv[1], int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
