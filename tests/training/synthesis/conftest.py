"""A catalog of a few documents about buoys, searched by words."""

from collections.abc import Callable, Mapping

import pytest

from retrieval.catalog import Catalog
from retrieval.chunking import Chunker
from retrieval.documents import Passage
from retrieval.ingest import ingest
from training.scoring.tokens import tokens

DOCUMENTS = {
    "spares.md": (
        "# Spare parts\n\n| part_no | description | price_eur | lead_time_days | note |\n|---|---|---|---|---|\n"
        "| MB-1101 | Rain hood | 29.00 | 30 | last batch |\n| MB-1102 | Pole bracket | 38.00 | 3 | |\n"
    ),
    "plans.md": (
        "# Plans\n\n| What | Nest | Colony |\n|---|---|---|\n"
        "| Raw readings | 90 days | 400 days |\n| Hourly means | 2 years | 6 years |\n"
    ),
    "plans-2023.md": (
        "# Plans (2023)\n\n| What | Nest | Colony |\n|---|---|---|\n"
        "| Raw readings | 60 days | 365 days |\n| Hourly means | 1 year | 4 years |\n"
    ),
    "outbox.md": (
        "# The outbox\n\n## Size\n\nThe outbox holds 200 entries. Old entries are kept for 30 days. It is emptied at "
        "night. A dashboard is a grid of columns for your widgets.\n\n## Clearing the outbox\n\nClearing the outbox "
        "takes 4 minutes. To clear the outbox, press the red button twice. If the lamp turns red, the outbox is "
        "full.\n\n```sh\nThe command holds 9 entries.\n```\n"
    ),
    "petrel.md": "# Petrel 3\n\nThe Petrel 3 mast is 7 m high. The deposit for a Petrel 3 is EUR 400.\n",
}


@pytest.fixture
def stocked(catalog: Catalog, words, folder: Callable[[dict[str, str]], object]) -> Catalog:
    ingest(catalog, words, Chunker(words.tokenizer_path, 64), [folder(DOCUMENTS)])
    return catalog


@pytest.fixture
def search(stocked: Catalog) -> Callable[[list[str]], list[list[Passage]]]:
    """The chunks that share most words with a question, best first."""
    chunks = [one.chunk for one in stocked.live_chunks()]
    held: Mapping[str, set[str]] = {one.id: set(tokens(one.indexed_text)) for one in chunks}

    def found(questions: list[str]) -> list[list[Passage]]:
        results = []
        for question in questions:
            asked = set(tokens(question))
            ranked = sorted(chunks, key=lambda one: -len(asked & held[one.id]))
            results.append(
                [
                    Passage(one.document_id, one.id, one.text, one.context, 1 / rank, rank, 0.5)
                    for rank, one in enumerate(ranked, start=1)
                ]
            )
        return results

    return found
