"""BM25 vectors, made by the engine's own encoder, the same for every backend.

The weights of a document are made here; the engine adds the inverse document frequency at query time. A chunk is
encoded in its own language, a question in every language of the collection, without the stop words of the one that
it seems to be asked in: so a word is found whichever language its chunk was taken for.
"""

import re
import threading
from dataclasses import dataclass

from retrieval.index.analyser import AVERAGE_LENGTH, Analyser, B, K
from retrieval.index.base import SparseVector
from retrieval.index.terms import SCHEME, as_abbreviations, folded, is_marked, terms
from retrieval.languages import closest

_PARAMETERS = f"bm25 k={K} b={B} avg_len={AVERAGE_LENGTH:.0f}, {SCHEME}, languages: "
_BEFORE_LANGUAGES = ("en",)
"""What collections of earlier versions were encoded for; following the catalog, they are encoded again."""
_local = threading.local()


@dataclass(frozen=True)
class Encoder:
    """The encoder of a collection in these languages (ISO 639); without any, words count as they stand."""

    languages: tuple[str, ...]

    @property
    def scheme(self) -> str:
        """Written into every collection: vectors of another scheme would not match."""
        return _PARAMETERS + (" ".join(self.languages) or "none")

    def encode_document(self, text: str) -> SparseVector:
        """Term weights of a chunk; none where it has no words (a chunk of punctuation, say)."""
        language = closest(text, self.languages) if len(self.languages) > 1 else "".join(self.languages)
        return _analyser(language).encode(folded(text))

    def encode_question(self, text: str) -> SparseVector:
        """The terms of a question, each with weight 1."""
        text = folded(text)
        analysers = [_analyser(language) for language in self.languages or ("",)]
        contents = [one.content(text) for one in analysers]
        # It seems to be asked in the language that leaves the fewest words; what is an abbreviation in any is one.
        short = [term for content in contents for term in content if is_marked(term)]
        content = [*min(contents, key=len), *short] or as_abbreviations(terms(text, question=True))
        found = list(dict.fromkeys(term for one in analysers for term in one.ids(content)))
        return SparseVector(found, [1.0] * len(found))


def encoder_of(scheme: str) -> Encoder:
    """The encoder of a collection, by the scheme that is written into it."""
    found = re.search(r"languages: ([a-z ]+)$", scheme)
    if found is None:
        return Encoder(_BEFORE_LANGUAGES)
    return Encoder(() if found[1] == "none" else tuple(found[1].split()))


def _analyser(language: str) -> Analyser:
    """One for each thread and language."""
    held: dict[str, Analyser] = _local.__dict__.setdefault("analysers", {})
    if language not in held:
        held[language] = Analyser(language)
    return held[language]
