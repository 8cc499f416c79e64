"""A question into an answer with citations: search, prompt, generate, conclude.

The one path for requests, evaluation and streaming. Knows nothing about releases beyond the id
that it passes on, and nothing about how text is generated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from retrieval.documents import Passage
from retrieval.prompt import Message, Prompt, is_abstention, render, strip_thinking
from retrieval.search import Searcher
from training.answering.citations import Citation, cite
from training.answering.demonstrations import Demonstrations

MAX_NEW_TOKENS = 96
"""Room for two or three sentences: answers quote the documents, they do not retell them."""


Encoded = Any
"""A prompt as its generator takes it: token ids, or messages for one behind a server. Its length is in tokens."""


class Generates(Protocol):
    """What answering needs of :class:`training.generator.generation.Generator`."""

    @property
    def max_context(self) -> int:
        """Tokens of prompt and completion together."""

    def encode(self, messages: Sequence[Message], *, thinking: bool = False) -> Encoded:
        """The messages with the generation prompt."""

    def complete(self, prompts: Sequence[Encoded], max_new_tokens: int) -> list[tuple[str, str]]:
        """The greedy completion of each prompt, and why it ended: ``stop`` or ``length``."""


@dataclass(frozen=True)
class Prepared:
    """A question on its way: what was found, and what the generator is asked."""

    question: str
    messages: list[Message]
    prompt_ids: Encoded | None
    """None where nothing is generated."""
    passages: tuple[Passage, ...]
    """All that the search returned; the generator sees the first ``shown``."""
    shown: int
    abstain: bool
    """The search alone decides: nothing was found, or nothing similar enough."""


@dataclass(frozen=True)
class Answer:
    """An answer as the user gets it; ``text`` keeps its citation marks."""

    text: str
    abstained: bool
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    release: str
    finish_reason: str
    """``length`` where the token limit cut the answer."""


class Answerer:
    """Answers questions with one release's searcher (and its settings), generator and prompt.

    Args:
        generator: its ``complete`` is called for answers that are not streamed.
        release: the id that every answer carries.
        demonstrations: the worked examples that the prompt may show.
    """

    def __init__(
        self,
        searcher: Searcher,
        generator: Generates,
        prompt: Prompt,
        release: str,
        *,
        max_new_tokens: int = MAX_NEW_TOKENS,
        demonstrations: Demonstrations | None = None,
    ) -> None:
        self.searcher = searcher
        self.generator = generator
        self.prompt = prompt
        self.demonstrations = demonstrations
        self.settings = searcher.settings
        self.release = release
        self.max_new_tokens = max_new_tokens + prompt.thinking_tokens

    def encode(self, messages: Sequence[Message]) -> Encoded:
        """The messages with the generation prompt, as the release has it."""
        return self.generator.encode(messages, thinking=bool(self.prompt.thinking_tokens))

    def prepare(self, question: str) -> Prepared:
        """Search, and render and encode the prompt unless the search already decides to abstain."""
        return self.prepare_batch([question])[0]

    def prepare_batch(self, questions: Sequence[str]) -> list[Prepared]:
        """:meth:`prepare` for several questions with one search."""
        found = self.searcher.search_batch(questions, top_k=self.settings.top_k)
        return [self.prepare_found(*pair) for pair in zip(questions, found, strict=True)]

    def prepare_found(self, question: str, passages: Sequence[Passage]) -> Prepared:
        """:meth:`prepare` for passages that were found already, best first.

        The threshold is on cosines, so a search by words alone (mode *sparse*), which has none,
        abstains only where it finds nothing.
        """
        best = max((passage.similarity for passage in passages), default=None)
        unlike = best is not None and self.settings.mode != "sparse" and best < self.settings.abstain_below
        abstain = best is None or unlike
        messages, prompt_ids, shown = self._fit(question, passages)
        return Prepared(question, messages, None if abstain else prompt_ids, tuple(passages), shown, abstain)

    def _fit(self, question: str, passages: Sequence[Passage]) -> tuple[list[Message], Encoded, int]:
        """The prompt with as many of the best passages as the generator's context holds, at least one.

        Worked examples go first where it is too long, those least like the question before others.
        """
        shown = min(len(passages), self.prompt.max_passages)
        examples = self.demonstrations.nearest(question, self.prompt.examples) if self.demonstrations else ()
        while True:
            messages = render(question, passages[:shown], self.prompt, examples)
            prompt_ids = self.encode(messages)
            fits = len(prompt_ids) + self.max_new_tokens <= self.generator.max_context
            if fits or (shown <= 1 and not examples):
                return messages, prompt_ids, shown
            shown -= not examples
            examples = examples[1:]

    def conclude(self, prepared: Prepared, text: str, finish_reason: str) -> Answer:
        """The answer for a generated text; the last step also after streaming.

        An empty text is an abstention and is shown as one, unless the token limit cut it before it began.
        """
        text = strip_thinking(text).strip()
        if not text and finish_reason != "length":
            text = self.prompt.abstention
        abstained = prepared.abstain or is_abstention(text, self.prompt)
        shown = prepared.passages[: prepared.shown]
        return Answer(
            text=self.prompt.abstention if prepared.abstain else text,
            abstained=abstained,
            citations=() if abstained else cite(text, shown),
            passages=prepared.passages,
            release=self.release,
            finish_reason=finish_reason,
        )

    def answer(self, question: str) -> Answer:
        """Answer one question."""
        return self.answer_batch([question])[0]

    def answer_batch(self, questions: Sequence[str]) -> list[Answer]:
        """Answer several questions; one search, one batch of generation."""
        return self.answer_prepared(self.prepare_batch(questions))

    def answer_prepared(self, prepared: Sequence[Prepared]) -> list[Answer]:
        """Generate and conclude; nothing is generated for those that abstain already."""
        prompts = [one.prompt_ids for one in prepared if one.prompt_ids is not None]
        completed = iter(self.generator.complete(prompts, self.max_new_tokens) if prompts else [])
        return [self.conclude(one, *(("", "stop") if one.prompt_ids is None else next(completed))) for one in prepared]
