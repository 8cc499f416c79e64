"""What only Lockstep tells of an answer, and how it tells it: passages, citations, where to read them."""

from collections.abc import Callable, Sequence

from retrieval import documents
from retrieval.prompt import MARK, cited_marks
from service.http.answers import Annotation, Citation, Passage
from training.answering.answerer import Answer

Link = Callable[[str], str]
"""A chunk's id to the address at which a browser finds it."""


def passages_json(passages: Sequence[documents.Passage], link: Link) -> list[Passage]:
    """Passages as answers and searches show them."""
    return [
        {
            "document_id": one.document_id,
            "chunk_id": one.chunk_id,
            "title": title(one),
            "url": link(one.chunk_id),
            "text": one.text,
            "score": one.score,
            "similarity": one.similarity,
            "rank": one.rank,
        }
        for one in passages
    ]


def citations_json(answer: Answer, link: Link) -> list[Citation]:
    """The citations of an answer, each passage once."""
    titles = {one.chunk_id: title(one) for one in answer.passages}
    return [
        {
            "document_id": one.document_id,
            "chunk_id": one.chunk_id,
            "title": titles[one.chunk_id],
            "url": link(one.chunk_id),
            "quote": one.quote,
        }
        for one in answer.citations
    ]


def annotations(answer: Answer, link: Link) -> list[Annotation]:
    """The citations where they stand in the text, in the form of OpenAI's chat completions."""
    cited = dict(zip(cited_marks(answer.text, len(answer.passages)), citations_json(answer, link), strict=False))
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": match.start(),
                "end_index": match.end(),
                "title": cited[mark]["title"],
                "url": cited[mark]["url"],
            },
        }
        for match in MARK.finditer(answer.text)
        if (mark := int(match.group(1))) in cited
    ]


def title(passage: documents.Passage) -> str:
    """The document's title with the headings above the passage; its id where it has none."""
    return passage.context or passage.document_id
