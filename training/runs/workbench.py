"""What the stages of a retraining work with: examples, searchers, prompts, and the measuring of systems.

Everything is read from what earlier stages left in the run's directory, and opened once.
"""

from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from typing import Any

from retrieval.catalog import Catalog
from retrieval.progress import Progress
from retrieval.prompt import Prompt
from retrieval.search import Searcher
from retrieval.search_settings import BEFORE, SearchSettings
from retrieval.settings import IndexSettings
from retrieval.workspace import Workspace
from training.data import row_files as tables
from training.data.examples import SPLITS, Example, SplitName
from training.data.reading.sources import Tell
from training.data.splits import Split
from training.evaluation.compared_systems import BASELINE, Asking, answering
from training.evaluation.evaluate import Arm, ArmResult, evaluate
from training.releases.ledger import Ledger
from training.releases.release import read_release
from training.runs.directory import Run
from training.runs.models import Bases, Systems
from training.runs.prompting import asking
from training.settings import TrainingSettings


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
        self.tuned_embedder = self.training.embedder_enabled
        self.embedders = [False, True] if self.tuned_embedder else [False]
        """Those that are measured, by whether they are tuned."""
        self.generators = [False, True] if self.training.generator_enabled else [False]
        """The same of generators."""
        self.baseline = read_release(workspace, ledger, run.request["baseline"])
        self.systems = Systems(
            workspace, catalog, self.baseline, index_settings, run.directory, bases.generator, progress
        )
        self.searching: dict[str, Any] = {}
        """What validation chose for search, once that stage is done."""
        self.asked: dict[str, Any] = {}
        """The prompt that the run starts from, once that stage is done."""

    @cached_property
    def examples(self) -> dict[SplitName, list[Example]]:
        """The examples of each split."""
        rows = tables.read_rows(self.directory / "examples.jsonl", Example)
        return {name: [row for row in rows if row.split == name] for name in SPLITS}

    @cached_property
    def divided(self) -> Split:
        """How documents and examples are divided."""
        return tables.read_rows(self.directory / "split.jsonl", Split)[0]

    def chosen_settings(self, tuned: bool) -> SearchSettings:
        """The retrieval settings that validation chose for an embedder."""
        return SearchSettings.model_validate(BEFORE | self.searching["tuned" if tuned else "untouched"]["settings"])

    def searcher(self, tuned: bool) -> Searcher:
        """Search with an embedder and the settings chosen for it."""
        return self.systems.searcher(tuned, self.chosen_settings(tuned))

    @cached_property
    def best(self) -> Asking:
        """How a study found it best to ask; as served where there was none."""
        return asking(Prompt.model_validate(self.asked["prompt"]), self.directory)

    def measure(self, split: SplitName, thresholds: dict[str, float], scored: Collection[str]) -> list[ArmResult]:
        """The arms over one split; the reference answers' loss under those that are named in ``scored``."""
        searchers = {tuned: self.searcher(tuned) for tuned in self.embedders}
        generators = {tuned: self.systems.generator(tuned) for tuned in self.generators}
        manifest = self.baseline.manifest
        arms = answering(
            searchers,
            generators,
            asking(manifest.prompt, self.baseline.directory),
            self.best,
            thresholds=thresholds,
            served=manifest.search,
            max_new_tokens=manifest.max_new_tokens,
            release=self.baseline.id,
            kept=self.answers,
        )
        if split == "validation":  # nothing is chosen for what is served
            arms = [arm for arm in arms if arm.name != BASELINE]
        return [self.evaluate(arm if arm.name in scored else replace(arm, scorer=None), split) for arm in arms]

    def evaluate(self, arm: Arm, split: SplitName) -> ArmResult:
        """One arm over one split."""
        return evaluate(arm, self.examples[split], self.divided.group_of_example, progress=self.progress)

    def training_event(self, fields: dict[str, Any]) -> None:
        """Keep an event of a training, and show how far it is."""
        if len(fields) > 3:
            self.run.event(fields)
        if "steps" in fields:
            self.progress(f"training the {fields['stage']}", fields["step"], fields["steps"])
