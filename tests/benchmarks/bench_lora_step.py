"""A LoRA step of the starter on a CPU: as the libraries compute it, and with each of Lockstep's changes added.

    python tests/benchmarks/bench_lora_step.py [ROUNDS]

They take turns, and the best round of each counts.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it

import sys
import time
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from retrieval.hardware import cpu_has_bf16
from training.causal_attention import use_causal_attention
from training.data_parallel import DataParallel
from training.generator_files import load_model
from training.merged_lora import use_merged_lora
from training.settings import GeneratorTraining
from training.starter.paths import starter_path

ROWS, TOKENS, ANSWER = 8, 640, 12
CHANGES = ("peft and PyTorch's attention", "attention in blocks", "merged adapter", "rows shared out to the cores")


def trained(changes: int) -> Any:
    """The starter with a LoRA as training makes it, with the first so many changes."""
    model, _ = load_model(starter_path())
    if changes > 0:
        use_causal_attention(model)
    settings = GeneratorTraining()
    lora = LoraConfig(
        task_type="CAUSAL_LM", r=settings.rank, lora_alpha=settings.alpha, target_modules=settings.target_modules
    )
    model = get_peft_model(model, lora).train()
    if changes > 1:
        use_merged_lora(model)
    return model


def seconds(model: Any, inputs: dict[str, torch.Tensor], parallel: DataParallel | None) -> float:
    """Of a step forward and backward."""

    def loss_of(rows: dict[str, torch.Tensor]) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
            logits = model(**rows, use_cache=False, logits_to_keep=ANSWER).logits
        targets = rows["input_ids"][:, -ANSWER:].flatten()
        return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), targets, reduction="sum")

    model.zero_grad()
    begun = time.perf_counter()
    if parallel is None:
        loss_of(inputs).backward()
    else:
        parallel.backward(loss_of, inputs, [one for one in model.parameters() if one.requires_grad])
    return time.perf_counter() - begun


def main(rounds: int) -> None:
    models = [trained(changes) for changes in range(len(CHANGES))]
    ids = torch.randint(5, 8000, (ROWS, TOKENS))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    with DataParallel(torch.get_num_threads()) as parallel:
        ways = [(model, inputs, parallel if i == len(models) - 1 else None) for i, model in enumerate(models)]
        for way in ways:
            seconds(*way)
        found = [[seconds(*way) for way in ways] for _ in range(rounds)]
    best = [min(column) for column in zip(*found, strict=True)]
    print(f"{ROWS} rows of {TOKENS} tokens, {torch.get_num_threads()} cores")
    for change, one in zip(CHANGES, best, strict=True):
        print(f"{change:30} {one:.2f} s   {best[0] / one:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
