"""The pool of worked examples that a workspace's training questions make."""

from collections.abc import Mapping, Sequence

from retrieval.prompt import Prompt
from retrieval.search import Searcher
from training.answering.demonstrations import Worked, worked_examples
from training.data.candidates import SearcherCandidates
from training.data.examples import Example
from training.data.preparation import supervised_rows
from training.data.sampling import spread
from training.data.splits import Split
from training.settings import DataSettings
from training.tasks.task import Task

MOST = 256
"""Questions, spread over the documents: more are hardly ever nearer, and each is embedded at every start."""


def demonstration_pool(
    searcher: Searcher,
    examples: Sequence[Example],
    split: Split,
    data: DataSettings,
    *,
    prompt: Prompt,
    seed: int,
    tasks: Mapping[str, Task] | None = None,
) -> list[Worked]:
    """Worked examples of the training questions, over what retrieval returns for them.

    Args:
        examples: of the training split.
        prompt: its abstention is what a refused example answers.
    """
    chosen = spread(examples, split.group_of_example, MOST, seed=seed)
    data = data.model_copy(update={"distractors": ()})  # what is shown as an example stands in the documents
    rows, _ = supervised_rows(searcher, chosen, split, prompt, data, seed=seed, tasks=tasks)
    candidates = SearcherCandidates(searcher)
    documents = {chunk.rsplit("#", 1)[0] for row in rows for chunk in row.passages}
    passages = {one.chunk_id: one for one in candidates.chunks_of(sorted(documents))}
    return worked_examples(rows, {one.id: one.question for one in chosen}, passages, split.group_of_example)
