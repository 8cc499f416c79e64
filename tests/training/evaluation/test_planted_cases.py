"""Cases whose truth is planted: validation chooses and the test judges, and both must find what was planted.

Questions stand in groups that share a difficulty, as questions on near-duplicate documents do; each arm has its own
chances of finding the document, of answering and of abstaining.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from training.evaluation import bootstrap, comparison
from training.evaluation.compared_systems import BASELINE, PROMPT_ONLY, SYSTEMS
from training.evaluation.evaluate import RETRIEVAL_METRICS, ArmResult, Record
from training.evaluation.judgement import Judgement, choose_thresholds, judge
from training.evaluation.noninferiority import SECONDARY
from training.evaluation.verdict import PRIMARY, choose_arm
from training.scoring.answer_metrics import score_answer

SEEDS = range(5)
ABSTENTION = "The documents do not say."
OWN = 0.3
"""How often an arm's answer is a draw of its own: systems mostly go right and wrong on the same questions."""
LATER = (0.0, 0.387, 0.5, 0.631)
"""nDCG@10 where the document is not the first."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bootstrap with few resamples, of the metrics that decide: the cases are clear."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 199)
    deciding = {*PRIMARY, *SECONDARY, "answerable_score"}
    monkeypatch.setattr(comparison, "LABELS", {name: comparison.LABELS[name] for name in deciding})


@dataclass(frozen=True)
class Chances:
    """Of one arm, to be moved by a group's difficulty."""

    found: float = 0.7
    """The right document is the first; else it is a later one or none."""
    right: float = 0.4
    """Of an answer, where the document was found; half as much where not."""
    abstains: float = 0.3
    """On a question that the documents cannot answer."""
    skips: float = 0.1
    """On one that they can."""


def drawn(name: str, chances: Chances, split: str, questions: int, seed: int) -> ArmResult:
    """An arm's records; questions and groups are the same for all arms of a seed."""
    world = np.random.default_rng([seed, len(split)])
    group = np.repeat(np.arange(questions), world.choice([1, 2, 3], size=questions, p=[0.6, 0.25, 0.15]))[:questions]
    ease = world.normal(0, 0.15, size=questions)[group]
    answerable = world.random(questions) < 0.8
    luck = world.random((questions, 2))
    system = next(one for one in SYSTEMS if one.name == name)
    # The same embedder and reranker find the same for all arms.
    searching = np.random.default_rng([seed, len(split), system.embedder + 2 * system.reranker])
    own = np.random.default_rng([seed, len(split), *name.encode()])
    records = []
    for number in range(questions):
        found, later = bool(searching.random() < chances.found + ease[number]), float(searching.choice(LATER))
        draw = np.where(own.random(2) < OWN, own.random(2), luck[number])
        right = draw[0] < (chances.right + ease[number]) * (1 if found else 0.5)
        abstained = bool(draw[1] < (chances.skips if answerable[number] else chances.abstains))
        ranking = dict.fromkeys(RETRIEVAL_METRICS, 1.0 if found else later)
        answer = ABSTENTION if abstained else "42 metres" if right else "7 litres"
        record = Record(
            id=f"{split}-{number}",
            question="How deep?",
            group=f"{split}-{group[number]}",
            answers=("42 metres",) if answerable[number] else (),
            document_ids=("a.md",) if answerable[number] else (),
            weak=False,
            ranked=("a.md",),
            similarity=0.6,
            retrieval=ranking if answerable[number] else None,
            answer=answer,
        )
        scored = score_answer(answer, record.answers, abstained=abstained)
        records.append(replace(record, **vars(scored)))
    changes = {f"{part}_tuned": getattr(system, part) for part in ("embedder", "reranker", "generator")}
    return ArmResult(name, release="r1", records=tuple(records), prompt_changed=system.prompt, **changes)


def judged(arms: Mapping[str, Chances], seed: int, *, validation: int = 100, test: int = 250) -> Judgement:
    """The judgement of what validation chooses."""
    measured = [drawn(name, own, "validation", validation, seed) for name, own in arms.items() if name != BASELINE]
    results = choose_thresholds(measured, ABSTENTION)[1]
    chosen = choose_arm(results)
    tested = [drawn(name, own, "test", test, seed) for name, own in arms.items()]
    return judge(tested, chosen, [], [])


def arms(untouched: Chances, **others: Chances) -> dict[str, Chances]:
    """Chances by arm; an arm that is not named is as the untouched one. No reranker is trained where none is named."""
    named = {name.replace("_", " "): chances for name, chances in others.items()}
    trained = any("reranker" in name for name in named)
    return {one.name: named.get(one.name, untouched) for one in SYSTEMS if trained or not one.reranker}


def said(judgement: Judgement) -> str:
    """All reasons."""
    return " ".join(judgement.verdict.reasons)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_prompt_is_enough(seed: int) -> None:
    better = Chances(right=0.75)
    tuned = {"prompt_only": better, "embedder_tuned": better, "generator_tuned": better, "both_tuned": better}
    judgement = judged(arms(Chances(), **tuned), seed)
    assert judgement.candidate.name == PROMPT_ONLY
    assert judgement.verdict.outcome == "promoted"
    assert "No fine-tuning is needed" in said(judgement)


@pytest.mark.parametrize("seed", SEEDS)
def test_only_the_embedder_helps(seed: int) -> None:
    better = Chances(found=0.95)
    judgement = judged(arms(Chances(found=0.55), embedder_tuned=better, both_tuned=better), seed)
    assert judgement.candidate.name == "embedder tuned"
    assert judgement.verdict.outcome == "promoted"
    assert "nDCG@10 rose" in said(judgement)
    assert "No fine-tuning is needed" not in said(judgement)


@pytest.mark.parametrize("seed", SEEDS)
def test_only_the_reranker_helps(seed: int) -> None:
    before = Chances(found=0.55, abstains=1.0, skips=0.0)
    better = replace(before, found=0.95)
    tuned = {"reranker_tuned": better, "embedder_and_reranker_tuned": better, "all_tuned": better}
    judgement = judged(arms(before, **tuned), seed)
    assert judgement.candidate.name == "reranker tuned"
    assert judgement.verdict.outcome == "promoted"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_reranker_that_adds_nothing_is_not_released(seed: int) -> None:
    better, chosen = Chances(found=0.95), "embedder and reranker tuned"
    everything = arms(Chances(found=0.55), embedder_tuned=better, both_tuned=better, embedder_and_reranker_tuned=better)
    tested = [drawn(name, own, "test", 250, seed) for name, own in everything.items()]
    instead = judge(tested, chosen, [], [])  # even if validation had chosen it
    assert (instead.candidate.name, instead.verdict.outcome) == ("embedder tuned", "promoted")


@pytest.mark.parametrize("seed", SEEDS)
def test_tuning_on_shuffled_labels_harms(seed: int) -> None:
    harmed = Chances(found=0.4, right=0.15)
    everything = arms(Chances(), embedder_tuned=harmed, generator_tuned=harmed, both_tuned=harmed)
    judgement = judged(everything, seed)
    assert not judgement.candidate.tuned
    assert judgement.verdict.outcome == "kept"

    untouched = drawn(BASELINE, Chances(), "test", 250, seed)
    for name in ("embedder tuned", "generator tuned", "both tuned"):  # even if validation had chosen one of them
        assert judge([untouched, drawn(name, harmed, "test", 250, seed)], name, [], []).verdict.outcome == "rejected"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_gain_on_twenty_questions_is_noise(seed: int) -> None:
    judgement = judged(arms(Chances()), seed, validation=20, test=20)
    assert judgement.verdict.outcome == "kept"
    assert "Small sample" in said(judgement)


@pytest.mark.parametrize("seed", SEEDS)
def test_only_abstention_improves(seed: int) -> None:
    better = Chances(abstains=0.95)
    before = Chances(abstains=0.1)
    judgement = judged(arms(before, generator_tuned=better, both_tuned=better), seed, validation=150, test=300)
    assert judgement.candidate.name == "generator tuned"
    assert judgement.verdict.outcome == "promoted"
    assert re.search(r"The gain in answers comes (for \d\d% )?from abstaining", said(judgement))
