"""Runs commands of ``lockstep`` in children that may be killed at any moment.

A program: it imports once what the commands need, then forks for each request, so that a child
starts in milliseconds. Requests come as JSON Lines on standard input; what the children tell goes
as JSON Lines to standard output. A line that was read is proof that the child got so far.
"""

import gc
import importlib
import io
import json
import os
import sys
import traceback
from typing import Any

REPLY = os.dup(1)
NEEDED = (
    "datasets",
    "scipy.stats",
    "sentence_transformers",
    "transformers.models.bert.modeling_bert",
    "transformers.models.qwen3.modeling_qwen3",
    "trl",
    "retrieval.index.edge",
    "service.commands.main",
    "training.embedder.training",
    "training.generator.generation",
    "training.generator.training",
    "training.runs.retrain",
)


def tell(**fields: Any) -> None:
    """One line, at once and whole."""
    os.write(REPLY, json.dumps(fields).encode() + b"\n")


def main() -> None:
    os.dup2(2, 1)  # whatever a library prints
    for module in NEEDED:
        importlib.import_module(module)
    gc.freeze()  # what was imported is no garbage
    tell(ready=os.getpid())
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_run(json.loads(line)))
        tell(started=child)
        _, status = os.waitpid(child, 0)
        tell(ended=child, status=os.waitstatus_to_exitcode(status))


def _run(request: dict[str, Any]) -> int:
    try:
        _tell_what_is_durable()
        if request.get("verdict"):
            _decree(request["verdict"])
        if request.get("chunks_per_commit"):
            from retrieval import ingest

            ingest.CHUNKS_PER_COMMIT = request["chunks_per_commit"]
        from service.commands.main import main as lockstep

        sys.stdout = io.StringIO()
        status = lockstep([*request["arguments"], "--json"])
        tell(exit=status, value=json.loads(sys.stdout.getvalue()))
        return 0
    except BaseException:
        traceback.print_exc()
        return 1


def _tell_what_is_durable() -> None:
    """Tell each commit of documents, each activation and each finished stage after it was acknowledged."""
    from retrieval.catalog import Catalog
    from training.releases.ledger import Ledger
    from training.runs.directory import Run

    commit, activate, stage = Catalog.commit, Ledger.activate, Run.stage

    def told_commit(self: Any, parsed: Any, removed_files: Any = (), **rest: Any) -> int:
        seq = commit(self, parsed, removed_files, **rest)
        tell(committed=[document.id for file in parsed for document, _ in file.documents], removed=list(removed_files))
        return seq

    def told_activate(self: Any, release: str, kind: Any) -> None:
        activate(self, release, kind)
        tell(activated=release)

    def told_stage(self: Any, name: str, work: Any) -> Any:
        def working() -> Any:
            tell(working=name)
            return work()

        result = stage(self, name, working)
        tell(finished=name)
        return result

    Catalog.commit, Ledger.activate, Run.stage = told_commit, told_activate, told_stage  # type: ignore[method-assign]


def _decree(outcome: Any) -> None:
    """Random models are no better than others: say what the verdict is."""
    from training.evaluation import judgement
    from training.evaluation.verdict import Verdict

    judgement.decide = lambda *_, **__: Verdict(outcome, ("It was decreed.",))


if __name__ == "__main__":
    main()
