"""A LoRA step of the starter on a CPU: attention in blocks against PyTorch's fused one.

    python tests/benchmarks/bench_lora_step.py [ROUNDS]

The two take turns, and the best round of each counts.
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
from training.generator_files import load_model
from training.settings import GeneratorTraining
from training.starter.paths import starter_path

ROWS, TOKENS, ANSWER = 8, 640, 12


def trained(in_blocks: bool) -> Any:
    """The starter with a LoRA as training makes it."""
    model, _ = load_model(starter_path())
    if in_blocks:
        use_causal_attention(model)
    settings = GeneratorTraining()
    lora = LoraConfig(
        task_type="CAUSAL_LM", r=settings.rank, lora_alpha=settings.alpha, target_modules=settings.target_modules
    )
    return get_peft_model(model, lora).train()


def seconds(model: Any, ids: torch.Tensor) -> float:
    """Of a step forward and backward."""
    begun = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=ANSWER).logits
    torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), ids[:, -ANSWER:].flatten()).backward()
    return time.perf_counter() - begun


def main(rounds: int) -> None:
    models = [trained(in_blocks) for in_blocks in (False, True)]
    ids = torch.randint(5, 8000, (ROWS, TOKENS))
    for model in models:
        seconds(model, ids)
    found = [[seconds(model, ids) for model in models] for _ in range(rounds)]
    fused, blocks = (min(column) for column in zip(*found, strict=True))
    print(f"{ROWS} rows of {TOKENS} tokens: fused {fused:.2f} s, in blocks {blocks:.2f} s: {fused / blocks:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
