"""A round aimed at one kind of error of the round before: which kind, and whether it became rarer."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from retrieval.catalog import Catalog
from retrieval.errors import InputError, NotFound
from retrieval.progress import Progress, silent
from retrieval.search import Searcher
from retrieval.workspace import Workspace
from training.data.preparation import Prepared
from training.data.row_files import read_rows
from training.data.supervised import SupervisedRow
from training.evaluation.comparison import compare
from training.evaluation.errors import Bucket, bucket_of, concerned_chunks
from training.evaluation.evaluate import ArmResult, Record
from training.releases.ledger import Ledger
from training.releases.release import read_release
from training.runs.directory import Run
from training.synthesis.repeating import REPEATED, seen_again
from training.synthesis.targeting import count_of, targeted_rows

LARGEST = "largest"
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)


@dataclass(frozen=True)
class Answered:
    """What a system did with the validation questions."""

    arm: str
    records: tuple[Record, ...]
    shown: int
    """Passages that its prompt shows."""
    threshold: float = -1.0
    """Similarity of the best passage below which it refuses before the generator is asked."""

    def buckets(self, catalog: Catalog) -> dict[str, Bucket | None]:
        """Question id to what is wrong with its answer."""
        chunks = concerned_chunks(catalog, self.records)
        return {one.id: bucket_of(one, chunks, shown=self.shown) for one in self.records}

    def within(self, bucket: Bucket, catalog: Catalog) -> list[Record]:
        """What lies in a bucket."""
        where = self.buckets(catalog)
        return [one for one in self.records if where[one.id] == bucket]

    def unasked(self, records: Iterable[Record]) -> int:
        """How many of these it refused by the threshold alone, which no row for the generator changes."""
        return sum(one.abstains and one.similarity is not None and one.similarity < self.threshold for one in records)


@dataclass(frozen=True)
class OnTop:
    """The supervised rows that a targeted round has beside those of its examples."""

    made: Collection[str] = ()
    """Ids of examples that were made for it."""
    again: Mapping[str, int] = field(default_factory=dict)
    """Example id to how many times more it is seen."""

    def divide(self, rows: Iterable[SupervisedRow]) -> tuple[list[SupervisedRow], list[SupervisedRow]]:
        """The rows without them, and those on top."""
        base: list[SupervisedRow] = []
        more: list[SupervisedRow] = []
        for row in rows:
            (more if row.example_id in self.made else base).append(row)
            more += [row] * self.again.get(row.example_id, 0)
        return base, more


NOTHING = OnTop()


@dataclass(frozen=True)
class Round:
    """The systems of a run that count."""

    run: Run
    chosen: Answered
    """That validation chose: what a user gets."""
    trained: Answered
    """That most was changed in: what rows can change, chosen or not."""


def round_before(workspace: Workspace, ledger: Ledger) -> Round:
    """The newest run that has measured its systems on validation.

    Raises:
        NotFound: there is none.
    """
    for directory in sorted(workspace.runs.glob("*/"), reverse=True):
        run = Run(directory)
        if (directory / "run.json").is_file() and run.finished("validate"):
            return measured(workspace, ledger, run)
    raise NotFound(
        "found no run that has measured validation, expected one whose errors --target can aim at: run "
        "`lockstep retrain --examples FILE` first"
    )


def measured(workspace: Workspace, ledger: Ledger, run: Run) -> Round:
    """The systems of a run on the validation questions, once that stage is done."""
    arms = {one.name: one for one in read_rows(run.directory / "validation.jsonl", ArmResult)}
    validated = run.result("validate")
    served = read_release(workspace, ledger, run.request["baseline"]).manifest.prompt.max_passages
    studied = int(run.result("prompt")["prompt"]["max_passages"])

    def answered(arm: ArmResult) -> Answered:
        shown = studied if arm.prompt_changed else served
        return Answered(arm.name, arm.records, shown, validated["thresholds"].get(arm.name, -1.0))

    chosen = arms[validated["chosen"]]
    return Round(run, answered(chosen), answered(max(arms.values(), key=lambda one: one.changes)))


def bucket_named(target: str) -> Bucket | None:
    """The bucket that is meant, with blanks or hyphens between its words; None where there is none of that name."""
    wanted = target.replace("-", " ").replace("_", " ")
    return next((name for name in BUCKETS if name == wanted), None)


def aim(before: Round, catalog: Catalog, target: str) -> Bucket:
    """The bucket that is meant.

    Raises:
        InputError: there is no such bucket, or nothing is wrong in it.
    """
    counts = Counter(bucket for bucket in before.chosen.buckets(catalog).values() if bucket is not None)
    told = ", ".join(f"{name}: {count}" for name, count in counts.most_common()) or "none"
    if target == LARGEST and counts:
        return max(BUCKETS, key=lambda name: counts[name])
    found = bucket_named(target)
    if found is None and target != LARGEST:
        raise InputError(f"found --target {target!r}, expected {LARGEST} or one of {', '.join(BUCKETS)}")
    if found is None or not counts[found]:
        raise InputError(
            f"found no error to aim at with --target {target!r} among the validation questions of run "
            f"{before.run.id} (errors there: {told}), expected some"
        )
    return found


def rows_for(
    bucket: Bucket,
    before: Round,
    prepared: Prepared,
    catalog: Catalog,
    searcher: Searcher,
    *,
    seed: int,
    progress: Progress = silent,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of an examples file that are made for a bucket, none where rows that exist are seen again; and figures.

    Raises:
        InputError: nothing can be made or repeated for it.
    """
    wrong = before.chosen.within(bucket, catalog)
    if bucket not in REPEATED:
        failed = [one.question for one in wrong]
        rows, figures = targeted_rows(catalog, searcher, prepared, bucket, failed, seed=seed, progress=progress)
        if bucket == "wrongly abstained":
            figures["refused by the threshold"] = before.chosen.unasked(wrong)
        return rows, {**figures, "made": [row["id"] for row in rows]}
    train = prepared.examples["train"]
    again = seen_again(bucket, train, wrong, count_of(len(train)), seed=seed)
    return [], {"bucket": bucket, "rows": sum(again.values()), "what": REPEATED[bucket], "again": again}


def shrinkage(before: Round, after: Round, catalog: Catalog, bucket: Bucket) -> dict[str, Any]:
    """Whether a bucket became rarer, over the questions of both rounds, with paired 95 % intervals.

    The questions are those that told which bucket is the largest, so a little of it goes by chance; what all errors
    together did stands beside it, and what became of the systems that were trained, chosen or not.
    """
    return {
        "bucket": bucket,
        "run before": before.run.id,
        **_shrinkage(before.chosen, after.chosen, catalog, bucket),
        "trained": _shrinkage(before.trained, after.trained, catalog, bucket),
    }


def _shrinkage(before: Answered, after: Answered, catalog: Catalog, bucket: Bucket) -> dict[str, Any]:
    old, new = before.buckets(catalog), after.buckets(catalog)
    group = {one.id: one.group for one in after.records}
    both = [name for name in new if name in old]
    systems = {"before": before.arm, "after": after.arm}
    if not both:
        return {"systems": systems, "questions": 0}

    def compared(wanted: Collection[Bucket]) -> dict[str, Any]:
        was, now = ([float(of[name] in wanted) for name in both] for of in (old, new))
        found = compare("share of questions", was, now, [group[name] for name in both])
        return {
            "before": int(sum(was)),
            "after": int(sum(now)),
            "difference": found.difference,
            "low": found.low,
            "high": found.high,
            "method": found.method,
        }

    here = compared((bucket,))
    shrank = here["high"] is not None and here["high"] < 0
    return {"systems": systems, "questions": len(both), **here, "shrank": shrank, "all errors": compared(BUCKETS)}
