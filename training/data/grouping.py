"""Groups of texts that must stay together: near-duplicates, by MinHash.

Knows nothing about splits or examples.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from networkx.utils import UnionFind

from training.scoring.tokens import tokens

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SHORT = 60
"""Tokens up to which a document is compared by shingles of 3 words; longer ones by 5."""
PERMUTATIONS = 128
MISSED = 1e-4
"""Chance that LSH overlooks a pair that is exactly at the threshold (more similar pairs: less)."""


def near_duplicate_groups(documents: Mapping[str, str], threshold: float = 0.8) -> dict[str, str]:
    """Document id to the id of its group: the smallest id among its near-duplicates, found transitively.

    Two documents are near-duplicates if the Jaccard similarity of their sets of word shingles reaches
    the threshold, or their normalised texts are equal. MinHash LSH proposes pairs, the true similarity
    decides. The result depends on the texts only, not on their order.

    Args:
        documents: document id to text.
        threshold: Jaccard similarity, above 0 and up to 1.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"found threshold {threshold}, expected above 0 and at most 1")
    words = {key: tuple(tokens(documents[key])) for key in sorted(documents)}
    joined = UnionFind(words)
    first: dict[tuple[str, ...], str] = {}
    for key, text in words.items():
        if text:  # documents without a word say nothing, and so not the same
            joined.union(key, first.setdefault(text, key))
    distinct = {key: text for text, key in first.items() if text}
    # Shingles of different length cannot be compared. Near-duplicates differ in length by the threshold
    # at most, so with the two classes overlapping by that much each pair meets in at least one of them.
    short = {key: text for key, text in distinct.items() if len(text) <= SHORT}
    long = {key: text for key, text in distinct.items() if len(text) >= threshold * SHORT - 5}
    for texts, width in ((short, 3), (long, 5)):
        for one, other in _similar_pairs(texts, width, threshold, joined):
            joined.union(one, other)
    return {key: min(group) for group in joined.to_sets() for key in group}


def _similar_pairs(
    texts: Mapping[str, tuple[str, ...]], width: int, threshold: float, joined: UnionFind
) -> Iterable[tuple[str, str]]:
    """Pairs that reach the threshold, except those that are in one component already."""
    if len(texts) < 2:
        return
    import numpy as np
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped, unused-ignore]

    lsh = MinHashLSH(num_perm=PERMUTATIONS, params=_bands(threshold))
    template = MinHash(num_perm=PERMUTATIONS, hashfunc=_identity)
    shingles: dict[str, npt.NDArray[np.uint64]] = {}
    for key, text in texts.items():
        hashes = _shingle_hashes(text, width)  # (S,) uint64, sorted, distinct
        sketch = template.copy()
        for start in range(0, len(hashes), 8192):  # bounds the (S, PERMUTATIONS) temporary
            sketch.update_batch((hashes[start : start + 8192] & np.uint64(0xFFFFFFFF)).tolist())
        for other in sorted(lsh.query(sketch)):
            if joined[key] == joined[other]:
                continue
            small, large = sorted((hashes, shingles[other]), key=len)
            if len(small) < threshold * len(large):
                continue
            common = len(np.intersect1d(small, large, assume_unique=True))
            if common >= threshold * (len(small) + len(large) - common):
                yield key, other
        lsh.insert(key, sketch)
        shingles[key] = hashes


def _shingle_hashes(text: tuple[str, ...], width: int) -> "npt.NDArray[np.uint64]":
    import numpy as np

    width = min(width, len(text))
    found = {" ".join(text[i : i + width]) for i in range(len(text) - width + 1)}
    digests = b"".join(hashlib.blake2b(shingle.encode(), digest_size=8).digest() for shingle in found)
    return np.sort(np.frombuffer(digests, dtype="<u8"))


def _identity(value: int) -> int:
    return value


def _bands(threshold: float) -> tuple[int, int]:
    """Bands and rows: as many rows (few false candidates) as the chance of a miss allows."""
    best = (PERMUTATIONS, 1)
    for rows in range(1, PERMUTATIONS // 2 + 1):
        bands = PERMUTATIONS // rows
        if (1 - threshold**rows) ** bands <= MISSED:
            best = (bands, rows)
    return best
