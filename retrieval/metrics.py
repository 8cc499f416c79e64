"""Retrieval metrics by document, computed by ir_measures."""

from collections.abc import Collection, Mapping, Sequence

MEASURES = {"ndcg@10": "nDCG@10", "mrr@10": "RR@10", "recall@1": "R@1", "recall@5": "R@5", "recall@10": "R@10"}


def score_retrieval(
    rankings: Mapping[str, Sequence[str]], relevant: Mapping[str, Collection[str]]
) -> dict[str, dict[str, float]]:
    """Metrics of each question that has relevant documents.

    Args:
        rankings: question id to document ids, best first; of a document that occurs more than
            once (by several chunks) the best rank counts.
        relevant: question id to the ids of the documents that support its answer, all equally.

    Returns:
        Question id to ``ndcg@10``, ``mrr@10``, ``recall@1``, ``recall@5`` and ``recall@10``.
    """
    import ir_measures

    asked = {question: documents for question, documents in relevant.items() if documents and question in rankings}
    scores = {question: dict.fromkeys(MEASURES, 0.0) for question in asked}
    if not asked:
        return scores
    qrels = [ir_measures.Qrel(question, document, 1) for question, own in asked.items() for document in own]
    run = [
        ir_measures.ScoredDoc(question, document, -float(rank))
        for question in asked
        for rank, document in enumerate(dict.fromkeys(rankings[question]))
    ]
    names = {ir_measures.parse_measure(measure): name for name, measure in MEASURES.items()}
    for metric in ir_measures.iter_calc(list(names), qrels, run):
        scores[metric.query_id][names[metric.measure]] = float(metric.value)
    return scores
