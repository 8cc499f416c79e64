"""How often the verdict promotes what is no better, and what is: simulated comparisons.

    python tests/benchmarks/bench_verdict.py [--simulations 1000] [--questions 40 80 200]

Questions come in groups of one to four that share a difficulty, as questions on near-duplicate documents do. Answer
scores are mostly 0 or 1, with partial ones between; nDCG@10 is mostly 1. Under the null both systems draw their scores
from the same chances, independently but for the difficulty; then a gain of the stated size is added to the chance of a
right answer.
"""

import argparse
from collections import Counter

import numpy as np

from training.evaluation import bootstrap
from training.evaluation.comparison import compare
from training.evaluation.verdict import decide


def simulate(rng: np.random.Generator, questions: int, gain: float) -> str:
    """The outcome of one comparison."""
    sizes = rng.choice([1, 2, 3, 4], size=questions, p=[0.5, 0.25, 0.15, 0.1])
    group = np.repeat(np.arange(questions), sizes)[:questions]
    ease = rng.beta(1.2, 1.2, size=questions)[group]  # chance of a right answer
    better = np.clip(ease + gain, 0, 1)

    def answers(chance: np.ndarray) -> np.ndarray:
        right = rng.random(questions) < chance
        partial = np.where(rng.random(questions) < 0.3, rng.uniform(0, 0.6, questions), 0.0)
        return np.where(right, 1.0, partial)

    def ranks() -> np.ndarray:
        found = rng.random(questions) < 0.5 + 0.5 * ease
        return np.where(found, 1.0, rng.choice([0.0, 0.387, 0.5, 0.631], size=questions))

    names = [str(one) for one in group]
    scores = compare("answer_score", list(answers(ease)), list(answers(better)), names)
    retrieval = compare("ndcg@10", list(ranks()), list(ranks()), names)
    return decide([retrieval, scores]).outcome


def main() -> None:
    """Print the share of each outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--questions", type=int, nargs="*", default=[20, 40, 80, 200])
    parser.add_argument("--gains", type=float, nargs="*", default=[0.0, 0.1, 0.2])
    parser.add_argument("--resamples", type=int, default=1999, help="of the bootstrap; the verdict itself takes 9,999")
    arguments = parser.parse_args()
    bootstrap.RESAMPLES = arguments.resamples
    for questions in arguments.questions:
        for gain in arguments.gains:
            rng = np.random.default_rng(questions)
            found = Counter(simulate(rng, questions, gain) for _ in range(arguments.simulations))
            shares = ", ".join(f"{name} {found[name] / arguments.simulations:.3f}" for name in sorted(found))
            print(f"{questions} questions, gain {gain:+.2f}: {shares}", flush=True)


if __name__ == "__main__":
    main()
