"""The metrics by which the checkpoints of a training are compared, over validation questions only."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrieval.catalog import Catalog
from retrieval.embedder import Embedder
from retrieval.metrics import score_retrieval
from retrieval.search import Rerank, Searcher
from training.answering.answerer import Answerer, Prepared
from training.data.candidates import DEPTH
from training.data.examples import Example
from training.evaluation.compared_systems import Asking
from training.evaluation.memoized import Memoized
from training.scoring.task_scores import score_by_task

if TYPE_CHECKING:
    from training.generator.generation import Generator


class EmbedderMetric:
    """Mean nDCG@10 by dense search alone, for an embedder whose collection does not exist yet.

    Searched are the chunks that the untouched system returns for the questions, and those of the
    supporting documents: where the corpus is large, the others hardly matter for the first ten.
    """

    def __init__(self, catalog: Catalog, searcher: Searcher, examples: Sequence[Example]) -> None:
        asked = [example for example in examples if example.document_ids]
        self._questions = [example.question for example in asked]
        self._relevant: Mapping[str, Sequence[str]] = {str(i): one.document_ids for i, one in enumerate(asked)}
        documents = {document for example in asked for document in example.document_ids}
        for passages in searcher.reranking(None).search_batch(self._questions, top_k=DEPTH):
            documents |= {passage.document_id for passage in passages}
        chunks = [stored.chunk for stored in catalog.live_chunks(sorted(documents))]
        self._documents = [chunk.document_id for chunk in chunks]
        self._texts = [chunk.indexed_text for chunk in chunks]
        self.characters = sum(map(len, self._texts))
        """Of the chunks that each measurement embeds."""

    def __call__(self, embedder: Embedder) -> float:
        """nDCG@10 of an embedder; 0 where no question has a known document."""
        return _mean(self.values(embedder))

    def values(self, embedder: Embedder) -> list[float]:
        """nDCG@10 of each question whose documents are known, in their order."""
        if not self._questions:
            return []
        similarities = embedder.encode_questions(self._questions) @ embedder.encode_passages(self._texts).T
        rankings = {}
        for i, row in enumerate(similarities):
            rankings[str(i)] = [self._documents[j] for j in np.argsort(-row, kind="stable")[:DEPTH]]
        scores = score_retrieval(rankings, self._relevant)
        return [scores[str(i)]["ndcg@10"] for i in range(len(self._questions))]


class RerankerMetric:
    """Mean nDCG@10 of what search brings for the questions, in the order of a reranker.

    Args:
        candidates: how many it reorders.
    """

    def __init__(self, searcher: Searcher, examples: Sequence[Example], candidates: int) -> None:
        asked = [example for example in examples if example.document_ids]
        self._searcher = searcher.reranking(None)
        self._settings = searcher.settings.model_copy(update={"reranked": candidates})
        self._questions = {str(i): one.question for i, one in enumerate(asked)}
        self._relevant = {str(i): one.document_ids for i, one in enumerate(asked)}

    def __call__(self, rerank: Rerank | None) -> float:
        """nDCG@10 with a reranker, or without one; 0 where no question has a known document."""
        searcher = self._searcher.at(self._settings).reranking(rerank)
        found = searcher.search_batch(list(self._questions.values()), top_k=DEPTH)
        rankings = {
            name: [one.document_id for one in passages] for name, passages in zip(self._questions, found, strict=True)
        }
        return _mean([one["ndcg@10"] for one in score_retrieval(rankings, self._relevant).values()])


class GeneratorMetric:
    """Mean answer score (F1 with abstention) over the passages that serving would show.

    Args:
        kept: file of answers, from which the arms that a training ends in read them again.
        tell: takes the loss and the token accuracy of the reference answers, too; None measures neither.
    """

    def __init__(
        self,
        searcher: Searcher,
        examples: Sequence[Example],
        asking: Asking,
        max_new_tokens: int,
        kept: Path,
        *,
        tell: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._examples, self._kept, self._tell = examples, kept, tell
        self._searcher, self._asking, self._max_new_tokens = searcher, asking, max_new_tokens
        self._demonstrations = asking.demonstrations(searcher.embedder)
        self._found = searcher.search_batch([example.question for example in examples])

    def __call__(self, generator: "Generator") -> float:
        """The score of the generator as it is now."""
        return _mean(self.values(generator))

    def values(self, generator: "Generator") -> list[float]:
        """The score of each question, in their order."""
        asked = Memoized(generator, self._kept)
        answerer = Answerer(
            self._searcher,
            asked,
            self._asking.prompt,
            "",
            max_new_tokens=self._max_new_tokens,
            demonstrations=self._demonstrations,
            tasks=self._asking.tasks,
        )
        prepared = [
            answerer.prepare_found(example.question, found, example.task)
            for example, found in zip(self._examples, self._found, strict=True)
        ]
        answers = answerer.answer_prepared(prepared)
        if self._tell is not None and prepared:
            self._tell(self._teacher_forced(generator, prepared))
        return [
            score_by_task(
                one.task, answer.text, example.answers, abstained=answer.abstained, question=example.question
            ).answer_score
            for example, one, answer in zip(self._examples, prepared, answers, strict=True)
        ]

    def _teacher_forced(self, generator: "Generator", prepared: Sequence[Prepared]) -> dict[str, float]:
        """Mean loss of a reference token, and the share of them that is predicted right."""
        loss, tokens, right = 0.0, 0, 0
        for example, one in zip(self._examples, prepared, strict=True):
            prompt_ids = one.prompt_ids or generator.encode(one.messages)
            reference = example.answers[0] if example.answers else self._asking.prompt.abstention
            completion_ids = generator.encode_completion(reference)[: generator.max_context - len(prompt_ids)]
            found = generator.score(prompt_ids, completion_ids)
            loss, tokens, right = loss + found[0], tokens + found[1], right + found[2]
        return {"eval_loss": loss / tokens, "eval_token_accuracy": right / tokens} if tokens else {}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
