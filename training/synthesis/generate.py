"""From training documents to examples: drafts by every method, filtered, spread over documents and kinds."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrieval.catalog import Catalog
from retrieval.progress import Progress, silent
from training.data.matching import question_key
from training.synthesis.combining import Known, of_foreign_columns, of_unknown_things, two_at_once
from training.synthesis.drafts import KINDS, Draft, Kind
from training.synthesis.filters import Filters, contradictions
from training.synthesis.headings import from_heading, inverse_cloze
from training.synthesis.sources import Source, distinct, sources
from training.synthesis.statements import from_statements
from training.synthesis.tables import from_tables, said_by

Write = Callable[[Sequence[Source], Collection[Kind]], Iterator[Draft]]
"""A generator's drafts of chunks."""
BATCH = 128
"""Drafts that are checked together."""
PER_CHUNK = 4
"""Examples that one chunk gives at most, so that a long table does not fill the set."""
SHARES: dict[Kind, float] = {
    "natural": 4, "keyword": 2, "unanswerable": 2, "several": 1, "claim": 1, "cloze": 1, "inverse cloze": 2,
}  # fmt: skip
"""How often a kind has its turn, while it has drafts left."""


@dataclass(frozen=True)
class Made:
    """An example's row, and how well retrieval found its document."""

    draft: Draft
    rank: int
    """1 is the best; 0 for a question that no document answers."""


@dataclass
class Generated:
    """What was made, and what became of the drafts."""

    made: list[Made] = field(default_factory=list)
    drafts: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    """Reason to number of drafts."""
    left: int = 0
    """Drafts that nobody looked at any more, since there were examples enough."""

    def counts(self) -> dict[str, Any]:
        """The figures for people and ``--json``."""
        return {
            "examples": len(self.made),
            "documents": len({chunk.document_id for one in self.made for chunk in one.draft.sources}),
            "kinds": dict(Counter(one.draft.kind for one in self.made).most_common()),
            "methods": dict(Counter(one.draft.method for one in self.made).most_common()),
            "drafts": self.drafts,
            "dropped": dict(sorted(self.dropped.items(), key=lambda one: -one[1])),
            "not looked at": self.left,
        }


def generate(
    catalog: Catalog,
    documents: Collection[str],
    filters: Filters,
    *,
    limit: int,
    seed: int,
    kinds: Collection[Kind] = KINDS,
    write: Write | None = None,
    per_chunk: int = PER_CHUNK,
    progress: Progress = silent,
) -> Generated:
    """Make at most so many examples.

    Args:
        documents: of the training split; nothing is made of others.
        write: drafts by a generator beside those of the rules.
    """
    found = distinct(list(sources(catalog, documents)))
    drafts = list(_drafts(catalog, found, kinds, seed, write))
    contradicted = contradictions(drafts)
    result = Generated(drafts=len(drafts))
    queue = _in_turn(drafts, seed)
    from_chunk: Counter[str] = Counter()
    progress("checking questions", 0, limit)
    while queue and len(result.made) < limit:
        batch, queue = queue[:BATCH], queue[BATCH:]
        room = [draft for draft in batch if from_chunk[draft.sources[0].id] < per_chunk]
        filters.dropped["enough of its chunk"] += len(batch) - len(room)
        for draft, rank in filters.passing(room, contradicted):
            if len(result.made) >= limit:
                result.left += 1
            elif from_chunk[draft.sources[0].id] >= per_chunk:
                filters.dropped["enough of its chunk"] += 1
            else:
                from_chunk[draft.sources[0].id] += 1
                result.made.append(Made(draft, rank))
        progress("checking questions", len(result.made), limit)
    result.left += len(queue)
    result.dropped = {reason: count for reason, count in filters.dropped.items() if count}
    return result


def _drafts(
    catalog: Catalog, found: Sequence[Source], kinds: Collection[Kind], seed: int, write: Write | None
) -> Iterator[Draft]:
    ruled: list[Draft] = []
    said = said_by(found)
    for source in found:
        ruled += from_tables(source, said, seed)
        ruled += from_statements(source, seed)
        ruled += from_heading(source)
        ruled += inverse_cloze(source, seed)
    made: list[Draft] = list(ruled)
    contradicted = contradictions(ruled)
    made += two_at_once([one for one in ruled if question_key(one.question) not in contradicted], seed)
    if "unanswerable" in kinds:
        known = Known(one.chunk.indexed_text for one in catalog.live_chunks())
        made += of_unknown_things(ruled, known, seed)
        made += of_foreign_columns(found, seed)
    yield from (draft for draft in made if draft.kind in kinds)
    if write is not None:
        yield from write(found, kinds)


def _in_turn(drafts: Iterable[Draft], seed: int) -> list[Draft]:
    """The drafts in the order in which they are looked at: kinds by their shares, each spread over the documents."""

    def drawn(text: str) -> str:
        return hashlib.sha256(f"{seed}:{text}".encode("utf-8", "surrogatepass")).hexdigest()

    ordered: list[tuple[float, str, Draft]] = []
    by_kind: dict[Kind, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_kind[draft.kind].append(draft)
    for kind, own in by_kind.items():
        taken: Counter[str] = Counter()
        ranked = []
        for draft in sorted(own, key=lambda one: drawn(one.question)):
            document = draft.sources[0].document_id
            ranked.append((taken[document], drawn(document + draft.question), draft))
            taken[document] += 1
        ranked.sort(key=lambda one: one[:2])
        ordered += [(place / SHARES[kind], kind, draft) for place, (_, _, draft) in enumerate(ranked)]
    return [draft for _, _, draft in sorted(ordered, key=lambda one: one[:2])]
