"""Which documents nothing is made of while there are no questions that say how to divide them."""

import hashlib
from collections.abc import Mapping


def drawn_documents(groups: Mapping[str, str], share: float, *, seed: int) -> frozenset[str]:
    """About such a share of the documents, in whole groups of near-duplicates; hangs on the seed and on ids.

    Args:
        groups: document id to near-duplicate group.
    """
    limit = int(share * 2**32)

    def drawn(group: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{seed}:{group}".encode("utf-8", "surrogatepass")).digest()[:4], "big")

    return frozenset(document for document, group in groups.items() if drawn(group) < limit)
