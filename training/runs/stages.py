"""The stages of a retraining, in their order; each reads what the stages before it left in the run's directory.

The active release goes on answering throughout: nothing here opens its index. Rows are read back
from files, so a stage that is resumed sees exactly what an uninterrupted run would.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from typing import Any

from retrieval.embedder import load_embedder
from retrieval.files import publish_rows
from retrieval.memory import device_peak, give_back
from retrieval.reranker import load_reranker
from training.data import row_files as tables
from training.data.contrastive import ContrastiveRow
from training.data.conversations import questions_in
from training.data.preparation import (
    contrastive_rows,
    measured,
    supervised_rows,
    teacher_of,
)
from training.data.quality import quality
from training.data.supervised import SupervisedRow
from training.evaluation.checkpoint_metrics import EmbedderMetric, GeneratorMetric, RerankerMetric
from training.evaluation.compared_systems import BASELINE, references
from training.evaluation.cost import TokenPrice
from training.evaluation.judgement import choose_thresholds, judge
from training.evaluation.settings_choice import choose_search_settings, grid
from training.evaluation.verdict import choose_arm
from training.releases.promotion import promote
from training.releases.release import ADAPTER, EMBEDDER, RERANKER, release_of_run
from training.runs import targeting
from training.runs.candidate import Candidate
from training.runs.checks import final_checks, forgetting_check
from training.runs.directory import Run
from training.runs.estimating import estimate_run
from training.runs.general_questions import forgotten
from training.runs.prompting import shown_beside, start_from
from training.runs.reporting import write_reports
from training.runs.workbench import Workbench

TARGETED = "targeted.jsonl"
"""The examples that a run aimed at one kind of error has made for it."""


class Stages(Workbench):
    """One run from split to promotion."""

    def execute(self) -> dict[str, Any]:
        """Run the stages that have not finished; the result of the last."""
        stage = self.stage
        if self.run.request.get("target"):
            stage("target", self.target)
        stage("split", self.split)
        if self.training.embedder_enabled or self.training.reranker_enabled:
            stage("contrastive", self.contrastive)
        if self.training.estimate.enabled:
            self.fit(stage("estimate", self.estimate)["chosen"])
        if self.training.embedder_enabled:
            stage("embedder", self.embedder)
        self.searching = stage("search", self.search)
        if self.training.reranker_enabled:
            stage("reranker", self.reranker)
        self.asked = stage("prompt", self.prompt)
        if self.training.generator_enabled:
            stage("supervised", self.supervised)
            stage("generator", self.generator)
        self.validated = stage("validate", self.validate)
        if self.run.request.get("target"):
            stage("shrinkage", self.shrinkage)
        self.tested = stage("test", self.test)
        self.released = stage("release", self.release)
        return stage("promote", self.promote)

    def stage(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """One stage; what it no longer needs is given back, so that the next begins with what it needs itself."""
        device_peak(reset=True)
        result = self.run.stage(name, work)
        give_back()
        return result

    def target(self) -> dict[str, Any]:
        """Make rows of the training documents for the kind of error that the run is aimed at."""
        rows, figures = targeting.rows_for(
            self.run.request["target"]["bucket"],
            self.round_before,
            self.prepared([], freeze=False),
            self.catalog,
            self.systems.searcher(False),
            seed=self.training.seed,
            progress=self.progress,
        )
        publish_rows(self.directory / TARGETED, rows)
        if refused := figures.get("refused by the threshold"):
            self.warn(
                f"of the answers {figures['bucket']!r} {refused} were refused by the similarity of their best passage, "
                "before the generator was asked: rows for it change nothing there; another embedder may, or other "
                "questions without an answer among those of validation, which the threshold is chosen on"
            )
        return figures

    @property
    def round_before(self) -> targeting.Round:
        """The run whose errors this one is aimed at."""
        name = self.run.request["target"]["run"]
        return targeting.measured(self.workspace, self.ledger, Run(self.workspace.runs / name))

    @cached_property
    def on_top(self) -> targeting.OnTop:
        """What a targeted round trains the generator on besides."""
        target = self.run.result("target") if self.run.finished("target") else {}
        return targeting.OnTop(frozenset(target.get("made", ())), target.get("again", {}))

    def shrinkage(self) -> dict[str, Any]:
        """Whether the errors that the run is aimed at became fewer on validation."""
        after = targeting.measured(self.workspace, self.ledger, self.run)
        return targeting.shrinkage(self.round_before, after, self.catalog, self.run.request["target"]["bucket"])

    def split(self) -> dict[str, Any]:
        """Divide the examples before anything is mined."""
        made = self.directory / TARGETED
        prepared = self.prepared([made] if made.is_file() and made.stat().st_size else [], freeze=True)
        used = measured(prepared, self.training.data, seed=self.training.seed)
        kept = [example for own in used.values() for example in own]
        tables.write_rows(self.directory / "examples.jsonl", kept)
        tables.write_rows(self.directory / "split.jsonl", [prepared.split])
        return {
            "fingerprint": prepared.split.fingerprint,
            "examples": prepared.split.counts(),
            "documents": len(prepared.split.group_of),
            "groups": len(set(prepared.split.group_of.values())),
            "documents given": prepared.links.given,
            "documents found (weak)": prepared.links.linked + prepared.links.known,
            "documents not found": len(prepared.links.unlinked),
            "test set changes accepted": prepared.accepted,
            "in no split": len(prepared.split.unassigned),
            "not measured": sum(map(len, prepared.examples.values())) - len(kept),
        }

    def contrastive(self) -> dict[str, Any]:
        """Mine hard negatives with the system that is served now."""
        rows, stats = contrastive_rows(
            self.systems.searcher(False),
            self.examples["train"],
            self.divided,
            self.training.data,
            teacher=teacher_of(self.workspace, self.training.data),
        )
        tables.write_rows(self.directory / "contrastive.jsonl", rows)
        return tables.counted(stats)

    def estimate(self) -> dict[str, Any]:
        """What the rest will take: a few steps of each training, thrown away."""
        mined = self.directory / "contrastive.jsonl"
        found = estimate_run(
            self.workspace,
            self.catalog,
            self.baseline,
            self.bases,
            self.systems.searcher(False),
            self.examples,
            self.divided,
            tables.read_rows(mined, ContrastiveRow) if mined.is_file() else [],
            self.training,
            self.tasks,
            self.progress,
            self.on_top,
        )
        self.run.event({"stage": "estimate", "estimated": found})
        return found

    def embedder(self) -> dict[str, Any]:
        """Fine-tune the embedder; the checkpoint with the best nDCG@10 on validation is kept."""
        from training.embedder.training import train_embedder

        self._at = {"stage": "embedder", "step": 0, "steps": 0}
        result = train_embedder(
            load_embedder(self.bases.embedder).sentence_transformer(),
            tables.read_rows(self.directory / "contrastive.jsonl", ContrastiveRow),
            EmbedderMetric(self.catalog, self.systems.searcher(False), self.examples["validation"]),
            self.directory / EMBEDDER,
            self.training.embedder,
            seed=self.training.seed,
            events=self.training_event,
            resume=True,
        )
        return asdict(result)

    def search(self) -> dict[str, Any]:
        """Embed all chunks anew; choose the retrieval settings of each embedder on validation."""
        asked = [one for one in self.examples["validation"] if one.document_ids]
        chosen = {}
        for tuned in self.embedders:
            searcher = self.systems.searcher(tuned)
            settings, tried = choose_search_settings(
                self.catalog,
                searcher.index,
                searcher.embedder,
                {one.id: one.question for one in asked},
                {one.id: one.document_ids for one in asked},
                grid(self.baseline.manifest.search),
                progress=self.progress,
            )
            chosen["tuned" if tuned else "untouched"] = {
                "settings": settings.model_dump(),
                "tried": [{**one.settings.model_dump(), "ndcg@10": one.score} for one in tried],
            }
        return chosen

    def reranker(self) -> dict[str, Any]:
        """Fine-tune a reranker; the checkpoint that orders the candidates best on validation is kept."""
        from training.reranker.training import train_reranker

        settings = self.training.reranker
        self._at = {"stage": "reranker", "step": 0, "steps": 0}
        result = train_reranker(
            self.bases.new_reranker(settings.max_length),
            tables.read_rows(self.directory / "contrastive.jsonl", ContrastiveRow),
            RerankerMetric(
                self.searcher(self.tuned_embedder), self.examples["validation"], candidates=settings.candidates
            ),
            self.directory / RERANKER,
            settings,
            embedder=self.systems.searcher(False).embedder,
            seed=self.training.seed,
            events=self.training_event,
            resume=True,
        )
        return asdict(result)

    def prompt(self) -> dict[str, Any]:
        """The prompt to start from, with its worked examples: the one that a study of the same questions found best."""
        return start_from(
            self.workspace,
            self.baseline,
            self.searcher(False),
            self.examples["train"],
            self.divided,
            self.training,
            self.directory,
            self.tasks,
        )

    def supervised(self) -> dict[str, Any]:
        """Build the generator's rows over what the tuned embedder returns: that is what it will see."""
        searcher = self.searcher(self.tuned_embedder)
        rows, stats = supervised_rows(
            searcher,
            self.examples["train"],
            self.divided,
            self.best.prompt,
            self.training.data,
            seed=self.training.seed,
            answered=self.on_top.made,
            demonstrate=shown_beside(self.best, searcher.embedder, self.divided),
            tasks=self.tasks,
        )
        tables.write_rows(self.directory / "supervised.jsonl", rows)
        doubts = quality(rows, {one.id: one for one in self.examples["train"]}, lambda row: False)["doubts"]
        return {**tables.counted(stats), "doubts": doubts}

    def generator(self) -> dict[str, Any]:
        """Fine-tune the generator; the checkpoint with the best answer score on validation is kept."""
        from training.generator.rows import join_questions
        from training.generator.training import train_generator

        manifest, searcher = self.baseline.manifest, self.searcher(self.tuned_embedder)
        assert self.bases.generator is not None  # refused at the start
        rows, more = self.on_top.divide(tables.read_rows(self.directory / "supervised.jsonl", SupervisedRow))
        rows = join_questions(
            self.bases.generator,
            rows,
            self.examples["train"],
            self.training.generator,
            seed=self.training.seed,
            weights=self.best.weights,
            more=more,
        )
        self._at = {"stage": "generator", "step": 0, "steps": 0}
        result = train_generator(
            self.bases.generator,
            rows,
            GeneratorMetric(
                searcher,
                self.examples["validation"],
                self.best,
                manifest.max_new_tokens,
                self.answers,
                tell=self.training_event if self.training.loss else None,
            ),
            self.directory / ADAPTER,
            self.training.generator,
            abstention=self.best.prompt.abstention,
            seed=self.training.seed,
            events=self.training_event,
            resume=True,
        )
        figures = {key: value for key, value in asdict(result).items() if isinstance(value, int | float)}
        return {**figures, "questions": sum(map(questions_in, rows))}

    def validate(self) -> dict[str, Any]:
        """Choose on validation: the abstention threshold of each arm, and which arm goes to the test."""
        measured = self.measure("validation", {}, scored=())
        thresholds, results = choose_thresholds(measured, self.baseline.manifest.prompt.abstention)
        tables.write_rows(self.directory / "unthresholded.jsonl", measured)
        tables.write_rows(self.directory / "validation.jsonl", results)
        return {"thresholds": thresholds, "chosen": choose_arm(results)}

    def test(self) -> dict[str, Any]:
        """Measure the arms on the test questions, and judge the one chosen on validation."""
        scored = (BASELINE, self.validated["chosen"]) if self.training.loss else ()
        results = self.measure("test", self.validated["thresholds"], scored)
        searchers = {tuned: self.systems.searcher(tuned) for tuned in self.embedders}
        searching = [self.evaluate(arm, "test") for arm in references(searchers)]
        tables.write_rows(self.directory / "test.jsonl", results)
        tables.write_rows(self.directory / "references.jsonl", searching)
        index = self.systems.searcher(self.tuned_embedder).index
        checks = final_checks(self.divided, self.examples, found=index.count(), live=self.catalog.counts()[1])
        costs = self.training.verdict
        chosen = next(one for one in results if one.name == self.validated["chosen"])
        general = forgotten(self, chosen)
        if general is not None and costs.forgetting == "refuse":
            checks.append(forgetting_check(general))
        price = TokenPrice(**self.run.request["price"]) if self.run.request.get("price") else None
        judged = judge(
            results,
            self.validated["chosen"],
            searching,
            checks,
            margin=costs.margin,
            factor=costs.factor,
            price=price,
            forgotten=general if costs.forgetting == "caution" else None,
        )
        write_reports(self, judged, results, searching, checks, self.validated["thresholds"], price, general)
        baseline, candidate, verdict = judged.baseline, judged.candidate, judged.verdict
        return {
            "chosen": candidate.name,
            "prompt_changed": candidate.prompt_changed,
            "embedder_tuned": candidate.embedder_tuned,
            "reranker_tuned": candidate.reranker_tuned,
            "generator_tuned": candidate.generator_tuned,
            "verdict": verdict.outcome,
            "reasons": list(verdict.reasons),
            "metrics": {"baseline": baseline.metrics(), "candidate": candidate.metrics()},
            "comparisons": [one.to_json() for one in judged.comparisons[candidate.name]],
        }

    def release(self) -> dict[str, Any]:
        """Publish the candidate as a release whatever the verdict, so that it can be looked at and tried."""
        if published := release_of_run(self.workspace, self.ledger, self.run.id):
            return {"release": published}  # and killed before the stage's mark
        tuned, reranked = self.tested["embedder_tuned"], self.tested.get("reranker_tuned", False)
        candidate = Candidate(
            directory=self.directory,
            prompt=self.best.prompt if self.tested["prompt_changed"] else self.baseline.manifest.prompt,
            embedder_tuned=tuned,
            reranker_tuned=reranked,
            generator_tuned=self.tested["generator_tuned"],
            embedder=self.systems.searcher(tuned).embedder.fingerprint,
            reranker=load_reranker(self.directory / RERANKER).fingerprint if reranked else None,
            generator=self.bases.generator_reference,
        )
        threshold = self.validated["thresholds"][self.tested["chosen"]]
        release = candidate.publish(
            self.workspace,
            self.ledger,
            self.baseline,
            tasks=self.tasks,
            search=self.chosen_settings(tuned, reranker=reranked).model_copy(update={"abstain_below": threshold}),
            documents_fingerprint=self.catalog.fingerprint(),
            split_fingerprint=self.divided.fingerprint,
            verdict=self.tested["verdict"],
            run=self.run.id,
        )
        return {"release": release.id}

    def promote(self) -> dict[str, Any]:
        """Make the candidate the active release, if the verdict and the request say so."""
        tested, release = self.tested, self.released["release"]
        self.systems.close()  # promotion opens the candidate's collection itself
        wanted = {"auto": tested["verdict"] == "promoted", "always": tested["verdict"] != "rejected", "never": False}
        if wanted[self.run.request["promote"]]:
            promote(self.workspace, self.catalog, self.ledger, self.index_settings, release, progress=self.progress)
        return {
            "run": self.run.id,
            "release": release,
            "active": self.ledger.active(),
            **({"target": self.run.result("shrinkage")} if self.run.finished("shrinkage") else {}),
            "report": str(self.workspace.releases / release / "report.html"),
            "metrics": {**tested["metrics"], "candidate": {**tested["metrics"]["candidate"], "release": release}},
            **{name: tested[name] for name in ("chosen", "verdict", "reasons", "comparisons")},
        }
