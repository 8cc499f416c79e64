"""Has the untouched and the tuned generator of a run answer general questions, where one was tuned and chosen."""

from typing import cast

from training.data import row_files as tables
from training.evaluation.evaluate import ArmResult, Scores
from training.evaluation.forgetting.measuring import before_and_after
from training.evaluation.forgetting.questions import GeneralQuestion, shipped_questions
from training.evaluation.forgetting.standing import Forgetting, forgetting
from training.evaluation.memoized import Memoized
from training.runs.workbench import Workbench

FILE = "general.jsonl"
"""In the run's directory: each question with what both generators did with it."""


def forgotten(bench: Workbench, chosen: ArmResult) -> Forgetting | None:
    """What the tuned generator has forgotten; None where none was chosen, or nobody wants to know."""
    if not chosen.generator_tuned or bench.training.verdict.forgetting == "ignore":
        return None
    before, after = (Memoized(cast("Scores", bench.systems.generator(tuned)), bench.answers) for tuned in (False, True))
    if not (before.can_score and after.can_score):
        return None
    own = bench.run.request.get("general_questions")
    questions = [GeneralQuestion(one["question"], tuple(one["answers"])) for one in own] if own else shipped_questions()
    rows = before_and_after(before, after, questions)
    tables.write_rows(bench.directory / FILE, rows)
    return forgetting(rows)
