"""General questions at the end of a run: who is asked, what is kept, and what follows for the verdict."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from training.evaluation.compared_systems import BASELINE
from training.evaluation.evaluate import ArmResult
from training.evaluation.forgetting.standing import Change, Forgetting
from training.evaluation.judgement import judge
from training.runs.checks import forgetting_check
from training.runs.general_questions import FILE, forgotten
from training.settings import TrainingSettings, VerdictSettings

FORGOTTEN = Forgetting(40, Change(-2, -3, -1, -1.2, -0.8), Change(0.5, 0.1, -0.4, -0.5, -0.3), 0.41, "inferior")
TUNED = ArmResult("generator tuned", False, True, "", ())


class Generator:
    """Says one thing; what it is asked is counted."""

    can_score = True
    identity = None

    def __init__(self, loss: float) -> None:
        self.loss, self.asked = loss, 0

    def encode(self, messages: Any, *, thinking: bool = False) -> Any:
        return list(str(messages))

    def encode_completion(self, text: str) -> list[str]:
        return text.split()

    def complete(self, prompts: Any, max_new_tokens: int) -> Any:
        self.asked += len(prompts)
        return [("Paris", "stop")] * len(prompts)

    def score(self, prompt_ids: Any, completion_ids: Any) -> tuple[float, int, int]:
        return self.loss * len(completion_ids) * len(prompt_ids) / 80, len(completion_ids), 0


def bench(directory: Path, forgetting: str = "caution", **request: Any) -> Any:
    generators = {False: Generator(1.0), True: Generator(3.0)}
    verdict = VerdictSettings(forgetting=forgetting)  # type: ignore[arg-type]
    return SimpleNamespace(
        training=TrainingSettings(verdict=verdict),
        systems=SimpleNamespace(generator=generators.__getitem__),
        run=SimpleNamespace(request=request),
        directory=directory,
        answers=directory / "answers.jsonl",
        generators=generators,
    )


def test_both_generators_are_asked_and_each_answer_is_kept(tmp_path: Path) -> None:
    found = forgotten(bench(tmp_path), TUNED)
    assert found is not None
    assert (found.n, found.standing) == (40, "inferior")
    rows = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert len(rows) == 40
    assert rows[0]["before"]["answer"] == "Paris"
    assert rows[0]["after"]["log_likelihood"] == pytest.approx(3 * rows[0]["before"]["log_likelihood"])


def test_own_questions_take_the_place_of_those_that_come_with_lockstep(tmp_path: Path) -> None:
    own = [{"question": f"{i}?", "answers": ["Paris"], "kind": "own"} for i in range(9)]
    found = forgotten(bench(tmp_path, general_questions=own), TUNED)
    assert found is not None
    assert found.n == 9


def test_nobody_is_asked_where_nothing_can_be_forgotten(tmp_path: Path) -> None:
    untuned, ignored = bench(tmp_path), bench(tmp_path, "ignore")
    assert forgotten(untuned, replace(TUNED, generator_tuned=False)) is None
    assert forgotten(ignored, TUNED) is None
    assert not any(one.asked for each in (untuned, ignored) for one in each.generators.values())


def test_the_verdict_says_it_of_a_tuned_generator_only() -> None:
    arms = [ArmResult(BASELINE, False, False, "", ()), TUNED, ArmResult("embedder tuned", True, False, "", ())]
    said = judge(arms, "generator tuned", [], [], forgotten=FORGOTTEN).verdict
    assert FORGOTTEN.in_words() in said.reasons
    assert said.outcome == "kept", "a caution decides nothing"
    assert FORGOTTEN.in_words() not in judge(arms, "embedder tuned", [], [], forgotten=FORGOTTEN).verdict.reasons


@pytest.mark.parametrize(("standing", "passed"), [("inferior", False), ("not shown", True), ("shown", True)])
def test_as_a_check_only_proof_refuses(standing: Any, passed: bool) -> None:
    check = forgetting_check(replace(FORGOTTEN, standing=standing))
    assert check.passed is passed
    verdict = judge([ArmResult(BASELINE, False, False, "", ()), TUNED], TUNED.name, [], [check]).verdict
    assert (verdict.outcome == "rejected") is not passed
