"""Reading prompts and answering them with the starter on a CPU: an engine on each core against one.

    python tests/benchmarks/bench_generation.py [ROUNDS]

The two take turns, and the best round of each counts.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it

import sys
import time

from retrieval.prompt import Prompt
from training import engine
from training.generation import load_generator
from training.starter.card import world_episodes
from training.starter.paths import starter_path

REQUESTS, PROMPT, ANSWER = 96, 540, 16


def seconds(prompts: list[list[int]], most_engines: int) -> float:
    """To answer all prompts, with as many engines as cores but at most so many."""
    engine.MOST_ENGINES = most_engines
    with load_generator(starter_path(), device="cpu") as generator:
        generator.generate(prompts[:4], 4)
        begun = time.perf_counter()
        generator.generate(prompts, ANSWER)
        return time.perf_counter() - begun


def main(rounds: int) -> None:
    generator, prompt = load_generator(starter_path(), device="cpu"), Prompt()
    episodes = world_episodes(4, seed=5, questions=REQUESTS)
    whole = [generator.encode(episode.messages(prompt)) for episode in episodes]
    prompts = [(ids * (PROMPT // len(ids) + 1))[-PROMPT:] for ids in whole]
    most = engine.MOST_ENGINES
    found = [[seconds(prompts, n) for n in (1, most)] for _ in range(rounds)]
    one, many = (min(column) for column in zip(*found, strict=True))
    print(f"{REQUESTS} prompts of {PROMPT} tokens: one engine {one:.1f} s, on each core {many:.1f} s: {one / many:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
