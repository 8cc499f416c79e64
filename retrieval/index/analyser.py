"""Texts of one language into BM25 vectors, by the engine's encoder: stop words, accents and stems.

Snowball's stemmers are the engine's; those that it lacks (Hindi, Polish, Czech ...) come from PyStemmer, the same
algorithms.
"""

from functools import lru_cache
from typing import Any

import qdrant_edge as engine
import Stemmer

from retrieval.index.base import SparseVector
from retrieval.index.terms import marked, needs_own, terms

K, B, AVERAGE_LENGTH = 1.2, 0.75, 256.0

_NAMES = {
    "ar": "Arabic", "az": "Azerbaijani", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish",
    "de": "German", "el": "Greek", "en": "English", "eo": "Esperanto", "es": "Spanish", "et": "Estonian",
    "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French", "ga": "Irish", "he": "Hebrew", "hi": "Hindi",
    "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "it": "Italian", "kk": "Kazakh", "lt": "Lithuanian",
    "ne": "Nepali", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sl": "Slovene", "sr": "Serbian", "sv": "Swedish", "ta": "Tamil", "tg": "Tajik",
    "tr": "Turkish", "yi": "Yiddish",
}  # fmt: skip
"""The languages with a stemmer or stop words, by the names of the engine and of Snowball. Not Chinese and Japanese:
their stop words are words, their terms are characters."""
_FOLDED = frozenset({"ca", "es", "fr", "it", "pt"})
"""Languages whose accents are left out in capitals and in haste. Not where they make other letters of a vowel:
measured on XQuAD, folding gains 0.001 nDCG@10 in Spanish and loses 0.002 in German, 0.017 in Vietnamese."""
_OF_SNOWBALL = frozenset(Stemmer.algorithms())


class Analyser:
    """Encodes texts of one language (ISO 639 code); of one that it knows nothing about, words as they are.

    Not safe to share among threads.
    """

    def __init__(self, language: str) -> None:
        name = _NAMES.get(language, "")
        stop_words = getattr(engine.Language, name, None) if name else None
        snowball = getattr(engine.SnowballLanguage, name, None) if name else None
        stemmer = engine.DisabledStemmer() if snowball is None else engine.SnowballParams(snowball)
        own = snowball is None and name.lower() in _OF_SNOWBALL
        self._stem = Stemmer.Stemmer(name.lower()).stemWords if own else None
        folding = language in _FOLDED
        stops = engine.StopwordsSet(languages={stop_words}) if stop_words is not None else _no_stop_words()
        # The engine's own tokenizer, for texts that it cuts as `terms` does: half the time of cutting them here.
        self._texts = _bm25(engine.TokenizerType.Word, stops, stemmer, folding)
        self._terms = _bm25(engine.TokenizerType.Whitespace, _no_stop_words(), stemmer, folding)
        stopping = _bm25(engine.TokenizerType.Whitespace, stops, engine.DisabledStemmer(), folding)
        self._is_stop_word = lru_cache(maxsize=4096)(
            lambda word: stop_words is not None and not stopping.embed_query(word).indices
        )

    def encode(self, text: str) -> SparseVector:
        """Term weights of a chunk's folded text."""
        with_marks = marked(text, self._is_stop_word)
        if self._stem is None and with_marks == text and not needs_own(text):
            vector = self._texts.embed_document(text)
        else:
            vector = self._terms.embed_document(self._stemmed(self._content(terms(with_marks))))
        return SparseVector(vector.indices, vector.values)

    def content(self, question: str) -> list[str]:
        """The terms of a folded question that are no stop words."""
        return self._content(terms(marked(question, self._is_stop_word), question=True))

    def _content(self, found: list[str]) -> list[str]:
        return [term for term in found if not self._is_stop_word(term)]

    def ids(self, found: list[str]) -> list[int]:
        """The ids of terms, each once."""
        indices: list[int] = self._terms.embed_query(self._stemmed(found)).indices
        return indices

    def _stemmed(self, found: list[str]) -> str:
        return " ".join(found if self._stem is None else self._stem([term.lower() for term in found]))


def _bm25(tokenizer: engine.TokenizerType, stop_words: Any, stemmer: Any, folding: bool) -> engine.Bm25:
    return engine.Bm25(
        engine.Bm25Config(
            k=K,
            b=B,
            avg_len=AVERAGE_LENGTH,
            tokenizer=tokenizer,
            stopwords=stop_words,
            stemmer=stemmer,
            ascii_folding=folding,
        )
    )


def _no_stop_words() -> engine.StopwordsSet:
    return engine.StopwordsSet(custom=set())
