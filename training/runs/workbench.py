"""What the stages of a retraining work with: examples, searchers, prompts, and the measuring of systems.

Everything is read from what earlier stages left in the run's directory, and opened once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from retrieval.catalog import Catalog
from retrieval.memory import device_peak
from retrieval.progress import Progress
from retrieval.prompt import Prompt
from retrieval.search import Searcher
from retrieval.search_settings import BEFORE, SearchSettings
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from training.data import row_files as tables
from training.data.examples import SPLITS, Example, SplitName
from training.data.preparation import Prepared, prepare_examples
from training.data.reading.sources import Tell
from training.data.sampling import spread
from training.data.splits import Split
from training.evaluation.compared_systems import BASELINE, Asking, answering, unremembering
from training.evaluation.evaluate import Arm, ArmResult, evaluate
from training.evaluation.latency import latency, reranking
from training.releases.ledger import Ledger
from training.releases.release import read_release
from training.runs.directory import Run
from training.runs.models import Bases, Systems
from training.runs.prompting import asking
from training.settings import TrainingSettings
from training.tasks.task import Task


class Workbench:
    """What one run works with."""

    def __init__(
        self,
        workspace: Workspace,
        catalog: Catalog,
        ledger: Ledger,
        index_settings: IndexSettings,
        bases: Bases,
        run: Run,
        progress: Progress,
        warn: Tell,
    ) -> None:
        self.workspace, self.catalog, self.ledger = workspace, catalog, ledger
        self.index_settings, self.bases, self.run, self.progress = index_settings, bases, run, progress
        self.warn = warn
        self.directory = run.directory
        self.answers = run.directory / "answers.jsonl"
        """Every answer that was generated: a stage that is resumed, or asks the same, reads it from there."""
        self.training = TrainingSettings.model_validate(run.request["training"])
        self.tasks = {name: Task.model_validate(task) for name, task in run.request.get("tasks", {}).items()}
        """As the workspace had them when the run began."""
        self.tuned_embedder = self.training.embedder_enabled
        self.embedders = [False, True] if self.tuned_embedder else [False]
        """Those that are measured, by whether they are tuned."""
        self.generators = [False, True] if self.training.generator_enabled else [False]
        """The same of generators."""
        self.rerankers = [False, True] if self.training.reranker_enabled else [False]
        """The same of rerankers."""
        self.baseline = read_release(workspace, ledger, run.request["baseline"])
        self.systems = Systems(
            workspace, catalog, self.baseline, index_settings, run.directory, bases.generator, progress
        )
        self.searching: dict[str, Any] = {}
        """What validation chose for search, once that stage is done."""
        self.asked: dict[str, Any] = {}
        """The prompt that the run starts from, once that stage is done."""
        self._at: dict[str, Any] = {}
        """The stage, step and steps of the training that goes on."""

    def fit(self, chosen: Mapping[str, Mapping[str, Any]]) -> None:
        """Train with the settings that make it fit into memory.

        Args:
            chosen: part to the settings that are changed for it.
        """
        self.training = self.training.model_copy(
            update={part: getattr(self.training, part).model_copy(update=dict(own)) for part, own in chosen.items()}
        )

    @cached_property
    def examples(self) -> dict[SplitName, list[Example]]:
        """The examples of each split."""
        rows = tables.read_rows(self.directory / "examples.jsonl", Example)
        return {name: [row for row in rows if row.split == name] for name in SPLITS}

    @cached_property
    def divided(self) -> Split:
        """How documents and examples are divided."""
        return tables.read_rows(self.directory / "split.jsonl", Split)[0]

    def chosen_settings(self, tuned: bool, *, reranker: bool = False) -> SearchSettings:
        """The retrieval settings that validation chose for an embedder.

        Args:
            reranker: with a tuned reranker, in the place of one that the settings name.
        """
        chosen = SearchSettings.model_validate(BEFORE | self.searching["tuned" if tuned else "untouched"]["settings"])
        own = {"reranker": None, "reranker_revision": None, "reranked": self.training.reranker.candidates}
        return chosen.model_copy(update=own) if reranker else chosen

    def searcher(self, tuned: bool) -> Searcher:
        """Search with an embedder and the settings chosen for it, and with the reranker that the baseline has."""
        return self.systems.searcher(tuned, self.chosen_settings(tuned)).reranking(self.systems.reranker(False))

    @cached_property
    def best(self) -> Asking:
        """How a study found it best to ask; as served where there was none."""
        return asking(Prompt.model_validate(self.asked["prompt"]), self.directory, self.tasks)

    def prepared(self, more: Sequence[Path], *, freeze: bool) -> Prepared:
        """The run's examples and more files of them, in splits.

        Args:
            freeze: keep the test set for later runs.
        """
        return prepare_examples(
            self.workspace,
            self.catalog,
            self.systems.searcher(False),
            [*(Path(path) for path in self.run.request["examples"]), *more],
            self.training.data,
            seed=self.training.seed,
            freeze=freeze,
            columns=self.run.request.get("columns"),
            accept_test_changes=self.run.request.get("accept_test_changes", False),
            tasks=self.tasks,
            warn=self.warn,
        )

    def measure(self, split: SplitName, thresholds: Mapping[str, float], scored: Collection[str]) -> list[ArmResult]:
        """The arms over one split; the reference answers' loss under those that are named in ``scored``."""
        arms = self.arms(thresholds)
        if split == "validation":  # nothing is chosen for what is served
            arms = [arm for arm in arms if arm.name != BASELINE]
        return [self.evaluate(arm if arm.name in scored else replace(arm, scorer=None), split) for arm in arms]

    def arms(self, thresholds: Mapping[str, float]) -> list[Arm]:
        """The arms that answer."""
        searchers = {tuned: self.searcher(tuned) for tuned in self.embedders}
        generators = {tuned: self.systems.generator(tuned) for tuned in self.generators}
        manifest = self.baseline.manifest
        return answering(
            searchers,
            {tuned: self.systems.reranker(tuned) for tuned in self.rerankers},
            generators,
            asking(manifest.prompt, self.baseline.directory, self.tasks | manifest.tasks),
            self.best,
            thresholds=thresholds,
            reranked=self.training.reranker.candidates,
            served=manifest.search,
            max_new_tokens=manifest.max_new_tokens,
            release=self.baseline.id,
            kept=self.answers,
        )

    def timed(self, candidate: str, thresholds: Mapping[str, float]) -> dict[str, Any] | None:
        """Seconds per answer of the candidate beside the baseline, on a few test questions of different documents."""
        arms = {arm.name: arm for arm in self.arms(thresholds)}
        asked = spread(
            self.examples["test"], self.divided.group_of_example, self.training.verdict.timed, seed=self.training.seed
        )
        questions = [one.question for one in asked]
        found = latency(unremembering(arms[BASELINE]), unremembering(arms[candidate]), questions)
        return found and {**found, "reranking": reranking(arms[candidate].searcher, questions)}

    def evaluate(self, arm: Arm, split: SplitName) -> ArmResult:
        """One arm over one split."""
        return evaluate(arm, self.examples[split], self.divided.group_of_example, progress=self.progress)

    def training_event(self, fields: dict[str, Any]) -> None:
        """Keep an event of a training, and show how far it is. Figures alone belong to the step before."""
        self._at |= {name: fields[name] for name in ("stage", "step", "steps") if name in fields}
        fields = {**self._at, **fields}
        if len(fields) > 3:
            device = device_peak()
            self.run.event(fields if device is None else {**fields, "device_bytes": device})
        if "steps" in fields:
            self.progress(f"training the {fields['stage']}", fields["step"], fields["steps"])
