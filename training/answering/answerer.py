"""A question into an answer with citations: search, prompt, generate, conclude.

The one path for requests, evaluation and streaming. Knows nothing about releases beyond the id
that it passes on, and nothing about how text is generated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from retrieval.documents import Passage
from retrieval.prompt import Demonstration, Message, Prompt, is_abstention, render, strip_thinking
from retrieval.search import Searcher
from training.answering.citations import Citation, cite
from training.answering.demonstrations import Demonstrations
from training.tasks.task import Task

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


class Weighs(Generates, Protocol):
    """What choosing among labels needs of it: probabilities, which a generator behind a server does not tell."""

    @property
    def can_score(self) -> bool:
        """Whether it tells them."""

    def weigh(self, prompts: Sequence[Encoded], choices: Sequence[Sequence[str]]) -> list[list[float]]:
        """The log-probability of each text as the whole answer to its prompt."""


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
    task: Task | None = None
    """None where a question is to be answered, and no more is said."""


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
        tasks: by their names; a question that names none of them is answered as the prompt says.
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
        tasks: Mapping[str, Task] | None = None,
    ) -> None:
        self.tasks = tasks or {}
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

    def prepare(self, question: str, task: str | None = None) -> Prepared:
        """Search, and render and encode the prompt unless the search already decides to abstain."""
        return self.prepare_found(question, self.searcher.search_batch([question], top_k=self.settings.top_k)[0], task)

    def prepare_batch(self, questions: Sequence[str]) -> list[Prepared]:
        """:meth:`prepare` for several questions with one search."""
        found = self.searcher.search_batch(questions, top_k=self.settings.top_k)
        return [self.prepare_found(*pair) for pair in zip(questions, found, strict=True)]

    def prepare_found(self, question: str, passages: Sequence[Passage], task: str | None = None) -> Prepared:
        """:meth:`prepare` for passages that were found already, best first.

        The threshold is on cosines, so a search by words alone (mode *sparse*), which has none,
        abstains only where it finds nothing.

        Args:
            task: by its name; one that is unknown here asks for an answer, as none does.
        """
        asked = self.tasks.get(task) if task is not None else None
        best = max((passage.similarity for passage in passages), default=None)
        unlike = best is not None and self.settings.mode != "sparse" and best < self.settings.abstain_below
        abstain = (best is None or unlike) and (asked is None or asked.abstains)
        examples = (
            self.demonstrations.nearest(question, self.prompt.examples, task=task if asked else None)
            if self.demonstrations
            else ()
        )
        messages, prompt_ids, shown = self._fit(question, passages, examples, asked)
        return Prepared(question, messages, None if abstain else prompt_ids, tuple(passages), shown, abstain, asked)

    def new_tokens(self, task: Task | None) -> int:
        """How many tokens an answer may have."""
        if task is None or task.max_new_tokens is None:
            return self.max_new_tokens
        return task.max_new_tokens + self.prompt.thinking_tokens

    def _fit(
        self, question: str, passages: Sequence[Passage], examples: Sequence[Demonstration], task: Task | None
    ) -> tuple[list[Message], Encoded, int]:
        """The prompt with as many of the best passages as the generator's context holds, at least one.

        Worked examples go first where it is too long, those least like the question before others.
        """
        shown = min(len(passages), self.prompt.max_passages)
        prompt = task.asked(self.prompt) if task else self.prompt
        while True:
            messages = render(question, passages[:shown], prompt, examples)
            prompt_ids = self.encode(messages)
            fits = len(prompt_ids) + self.new_tokens(task) <= self.generator.max_context
            if fits or (shown <= 1 and not examples):
                return messages, prompt_ids, shown
            shown -= not examples
            examples = examples[1:]

    def conclude(self, prepared: Prepared, text: str, finish_reason: str) -> Answer:
        """The answer for a generated text; the last step also after streaming.

        An empty text is an abstention and is shown as one, unless the token limit cut it before it began. A text that
        names one label of a classification becomes that label.
        """
        text = strip_thinking(text).strip()
        if prepared.task is not None and prepared.task.labels:
            text = prepared.task.label(text) or text
        if not text and finish_reason != "length":
            text = self.prompt.abstention
        abstained = prepared.abstain or is_abstention(text, self.prompt)
        shown = prepared.passages[: prepared.shown]
        return Answer(
            text=self.prompt.abstention if prepared.abstain else text,
            abstained=abstained,
            citations=() if abstained or (prepared.task and not prepared.task.cites) else cite(text, shown),
            passages=prepared.passages,
            release=self.release,
            finish_reason=finish_reason,
        )

    def choose(self, prepared: Sequence[Prepared]) -> list[str | None]:
        """The likeliest label of each classification as the whole answer; None where the generator is to write one.

        So nothing but a label can be answered, or the abstention where the task allows it. A generator that does not
        tell probabilities, or is to think first, is asked by the prompt alone.
        """
        chosen: list[str | None] = [None] * len(prepared)
        if self.prompt.thinking_tokens or not getattr(self.generator, "can_score", False):
            return chosen
        choices = {
            place: (*one.task.labels, self.prompt.abstention) if one.task.abstains else one.task.labels
            for place, one in enumerate(prepared)
            if one.prompt_ids is not None and one.task is not None and one.task.labels
        }
        if choices:
            asked = [prepared[place].prompt_ids for place in choices]
            weights = cast("Weighs", self.generator).weigh(asked, list(choices.values()))
            for (place, own), found in zip(choices.items(), weights, strict=True):
                chosen[place] = own[max(range(len(own)), key=found.__getitem__)]
        return chosen

    def answer(self, question: str, task: str | None = None) -> Answer:
        """Answer one question, or do with it what a task asks for."""
        return self.answer_prepared([self.prepare(question, task)])[0]

    def answer_batch(self, questions: Sequence[str]) -> list[Answer]:
        """Answer several questions; one search, one batch of generation."""
        return self.answer_prepared(self.prepare_batch(questions))

    def answer_prepared(self, prepared: Sequence[Prepared]) -> list[Answer]:
        """Choose or generate, and conclude; nothing is generated for those that abstain already."""
        said = {place: (label, "stop") for place, label in enumerate(self.choose(prepared)) if label is not None}
        by_length: dict[int, list[int]] = {}
        for place, one in enumerate(prepared):
            if one.prompt_ids is not None and place not in said:
                by_length.setdefault(self.new_tokens(one.task), []).append(place)
        for length, places in by_length.items():
            completed = self.generator.complete([prepared[place].prompt_ids for place in places], length)
            said |= zip(places, completed, strict=True)
        return [self.conclude(one, *said.get(place, ("", "stop"))) for place, one in enumerate(prepared)]
