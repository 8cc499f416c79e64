"""Evaluate arms on examples: retrieval as served, answers, outcomes, and one record per question.

An arm is one combination of embedder, generator and settings; :mod:`training.evaluation.compared_systems` says which
there are. Knows nothing about statistics (comparison) and decisions (verdict).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Protocol

from retrieval.documents import Passage
from retrieval.metrics import score_retrieval
from retrieval.progress import Progress, silent
from retrieval.prompt import Prompt
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from training.answering.answerer import Answerer, Prepared, Weighs
from training.data.examples import Example
from training.evaluation.task_metrics import task_metrics
from training.scoring.answer_metrics import OUTCOMES, Outcome, score_answer
from training.scoring.task_scores import score_by_task
from training.tasks.task import ANSWERING, Kind

RETRIEVAL_METRICS = ("ndcg@10", "mrr@10", "recall@1", "recall@5", "recall@10")
ANSWER_METRICS = ("answer_score", "exact_match", "f1", "rouge_l", "squad_exact_match", "squad_f1")
BATCH = 64
"""Questions searched and generated together; also how often progress is told."""


class Scores(Weighs, Protocol):
    """What evaluation needs of :class:`training.generator.generation.Generator` beyond answering."""

    @property
    def identity(self) -> str | None:
        """What tells the model's weights from others; None where that is not known."""

    @property
    def computes_beside(self) -> int:
        """How many ``score`` computes at a time beside ``complete``; 0 where they wait for each other."""

    def encode_completion(self, text: str) -> list[int]:
        """Token ids of an answer as it follows the prompt, without the end of the turn."""

    def score(self, prompt_ids: list[int], completion_ids: list[int]) -> tuple[float, int, int]:
        """Teacher-forced: sum of the losses, number of tokens, number predicted right."""


@dataclass(frozen=True)
class Arm:
    """One system under evaluation.

    ``answerer`` is None for a reference that only searches (a dense-only row, say). ``scorer``,
    where given, also scores the reference answers, teacher-forced under the prompt that the arm
    serves; it is the answerer's own generator unless that one is remote.
    """

    name: str
    searcher: Searcher
    answerer: Answerer | None = None
    scorer: Scores | None = None
    embedder_tuned: bool = False
    generator_tuned: bool = False
    release: str = ""
    prompt_changed: bool = False
    reranker_tuned: bool = False
    count: Callable[[str], int] | None = None
    """Tokens of a text; None leaves those of the answers uncounted."""


@dataclass(frozen=True)
class Record:
    """What one arm did with one question. None where it was not measured."""

    id: str
    question: str
    group: str
    """Cluster of near-duplicate documents; questions of one group are not independent."""
    answers: tuple[str, ...]
    document_ids: tuple[str, ...]
    weak: bool
    ranked: tuple[str, ...]
    """Document ids as ranked, each once."""
    similarity: float | None
    """Cosine of the best passage served; None where nothing was found."""
    retrieval: dict[str, float] | None
    passages: tuple[str, ...] = ()
    """Ids of the chunks served, best first."""
    answer: str | None = None
    outcome: Outcome | None = None
    answer_score: float | None = None
    exact_match: float | None = None
    f1: float | None = None
    rouge_l: float | None = None
    squad_exact_match: float | None = None
    squad_f1: float | None = None
    loss_sum: float | None = None
    tokens: int | None = None
    correct_tokens: int | None = None
    task: str | None = None
    """Name of the task; None where a question was answered and no task is known."""
    kind: Kind = ANSWERING
    abstains: bool = True
    """The system may decline."""
    prompt_tokens: int | None = None
    """Read to answer; 0 where the search alone decided to abstain."""
    completion_tokens: int | None = None
    """Of the answer, without thoughts."""

    @property
    def answerable(self) -> bool:
        """Whether the corpus can answer the question."""
        return bool(self.answers)


@dataclass(frozen=True)
class ArmResult:
    """The records of one arm over one set of questions."""

    name: str
    embedder_tuned: bool
    generator_tuned: bool
    release: str
    records: tuple[Record, ...]
    prompt_changed: bool = False
    reranker_tuned: bool = False

    @property
    def tuned(self) -> bool:
        """Whether weights were changed."""
        return self.embedder_tuned or self.reranker_tuned or self.generator_tuned

    @property
    def changes(self) -> int:
        """How many parts are not as they were served; settings do not count."""
        return sum((self.prompt_changed, self.embedder_tuned, self.reranker_tuned, self.generator_tuned))

    def metrics(self) -> dict[str, Any]:
        """The summary that ``lockstep evaluate --json`` prints.

        The metrics of answers are means over all questions with abstentions counted as SQuAD 2.0
        does; ``loss`` is the mean over reference tokens. A value is None
        where nothing was measured. ``tasks`` is there where questions name some.
        """
        retrieved = [record.retrieval for record in self.records if record.retrieval is not None]
        answered = [record for record in self.records if record.outcome is not None]
        tokens = sum(record.tokens or 0 for record in self.records)
        loss = sum(record.loss_sum or 0.0 for record in self.records) / tokens if tokens else None
        return {
            "release": self.release,
            "questions": len(self.records),
            "retrieval": {name: _mean([one[name] for one in retrieved]) for name in RETRIEVAL_METRICS},
            "generation": {
                **{name: _mean([getattr(record, name) for record in answered]) for name in ANSWER_METRICS},
                "token_accuracy": sum(r.correct_tokens or 0 for r in self.records) / tokens if tokens else None,
                "loss": _finite(loss),
                "perplexity": _finite(math.exp(loss) if loss is not None and loss < 700 else None),
            },
            "outcomes": {name: sum(record.outcome == name for record in answered) for name in OUTCOMES},
            **({"tasks": tasks} if (tasks := task_metrics(self.records)) else {}),
        }


def evaluate(
    arm: Arm,
    examples: Sequence[Example],
    groups: Mapping[str, str],
    *,
    progress: Progress = silent,
) -> ArmResult:
    """Run one arm over examples, each question searched once and answered at most once.

    Args:
        groups: example id to what it hangs together with; an example that it lacks stands alone.
    """
    records: list[Record] = []
    task = f"evaluating: {arm.name}"
    progress(task, 0, len(examples))
    for start in range(0, len(examples), BATCH):
        batch = examples[start : start + BATCH]
        records += _evaluate_batch(arm, batch, groups)
        progress(task, len(records), len(examples))
    return ArmResult(
        arm.name,
        arm.embedder_tuned,
        arm.generator_tuned,
        arm.release,
        tuple(records),
        arm.prompt_changed,
        arm.reranker_tuned,
    )


def abstaining_below(result: ArmResult, threshold: float, abstention: str) -> ArmResult:
    """What an arm would have done with another ``abstain_below``; nothing is generated again."""
    records = tuple(
        replace(record, answer=abstention, **asdict(score_answer(abstention, record.answers, abstained=True)))
        if record.outcome is not None
        and record.abstains
        and record.similarity is not None
        and record.similarity < threshold
        else record
        for record in result.records
    )
    return replace(result, records=records)


def _evaluate_batch(arm: Arm, batch: Sequence[Example], groups: Mapping[str, str]) -> list[Record]:
    settings = arm.searcher.settings
    found = arm.searcher.search_batch([example.question for example in batch], top_k=_depth(settings))
    records = [_retrieved(*pair, groups, settings.top_k) for pair in zip(batch, found, strict=True)]
    scores = score_retrieval(
        {example.id: record.ranked for example, record in zip(batch, records, strict=True)},
        {example.id: example.document_ids for example in batch if example.answerable and example.document_ids},
    )
    records = [replace(record, retrieval=scores.get(record.id)) for record in records]
    if arm.answerer is None:
        return records
    served = [passages[: settings.top_k] for passages in found]
    prepared = [
        arm.answerer.prepare_found(example.question, found, example.task)
        for example, found in zip(batch, served, strict=True)
    ]
    score = partial(_teacher_forced, arm.scorer, arm.answerer.prompt)
    beside = 0 if arm.scorer is None else arm.scorer.computes_beside
    with ThreadPoolExecutor(beside or 1) as pool:
        scored = pool.map(score, records, prepared) if beside else map(score, records, prepared)
        answers = arm.answerer.answer_prepared(prepared)
        records = list(scored)
    answered = []
    for example, record, one, answer in zip(batch, records, prepared, answers, strict=True):
        task, read = one.task, tuple(passage.chunk_id for passage in answer.passages)
        worth = score_by_task(task, answer.text, record.answers, abstained=answer.abstained, question=record.question)
        spent = _spent(arm, one, answer.text)
        record = replace(record, passages=read, answer=answer.text, **spent, **asdict(worth))
        if task is not None:
            record = replace(record, task=example.task, kind=task.kind, abstains=task.abstains)
        answered.append(record)
    return answered


def _spent(arm: Arm, asked: Prepared, answer: str) -> dict[str, Any]:
    if arm.count is None:
        return {}
    if asked.prompt_ids is None:
        return {"prompt_tokens": 0, "completion_tokens": 0}
    return {"prompt_tokens": len(asked.prompt_ids), "completion_tokens": arm.count(answer)}


def _depth(settings: SearchSettings) -> int:
    """How many chunks to rank so that ten different documents can be among them.

    The first ``top_k`` of them are what is served. Where a cap per document already spreads the
    result, asking for more would change what the engine fuses, so it is left as served.
    """
    return settings.top_k if settings.per_document else max(settings.top_k, settings.candidates)


def _retrieved(example: Example, passages: Sequence[Passage], groups: Mapping[str, str], served: int) -> Record:
    return Record(
        id=example.id,
        question=example.question,
        group=groups.get(example.id, example.id),
        answers=example.answers,
        document_ids=example.document_ids,
        weak=example.weak,
        ranked=tuple(dict.fromkeys(passage.document_id for passage in passages)),
        passages=tuple(passage.chunk_id for passage in passages[:served]),
        similarity=max((passage.similarity for passage in passages[:served]), default=None),
        retrieval=None,
    )


def _teacher_forced(scorer: Scores | None, prompt: Prompt, record: Record, prepared: Prepared) -> Record:
    """Score the reference (the first answer, or the abstention) whether or not the arm generates.

    Every arm is scored on the same references, also on questions where its search abstained.
    """
    if scorer is None:
        return record
    prompt_ids = prepared.prompt_ids or scorer.encode(prepared.messages, thinking=bool(prompt.thinking_tokens))
    reference = record.answers[0] if record.answers else prompt.abstention
    completion_ids = scorer.encode_completion(reference)[: scorer.max_context - len(prompt_ids)]
    loss, tokens, correct = scorer.score(prompt_ids, completion_ids)
    return replace(record, loss_sum=loss, tokens=tokens, correct_tokens=correct)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
