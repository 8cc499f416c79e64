"""Asks a generator general questions directly, without passages and instructions, and measures what it says."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluation.evaluate import Scores
from training.evaluation.forgetting.questions import GeneralQuestion
from training.scoring.answer_metrics import score_answer

NEW_TOKENS = 16
"""Of an answer at most: the right ones are short."""


@dataclass(frozen=True)
class GeneralAnswer:
    """What one generator does with one question."""

    answer: str
    score: float
    """The answer score."""
    log_likelihood: float
    """Of the first right answer, in nats per token of it."""
    tokens: int
    """Of that answer."""


@dataclass(frozen=True)
class GeneralRow:
    """A question, and what the generator did with it before and after its training."""

    question: str
    answers: tuple[str, ...]
    kind: str
    before: GeneralAnswer
    after: GeneralAnswer


def ask(generator: Scores, questions: Sequence[GeneralQuestion]) -> list[GeneralAnswer]:
    """One answer to each question, and how likely the right one was."""
    prompts = [generator.encode([{"role": "user", "content": one.question}]) for one in questions]
    said = [text.strip() for text, _ in generator.complete(prompts, NEW_TOKENS)]
    found = []
    for one, prompt, answer in zip(questions, prompts, said, strict=True):
        loss, tokens, _ = generator.score(prompt, generator.encode_completion(one.answers[0]))
        score = score_answer(answer, one.answers, abstained=False, question=one.question).answer_score
        found.append(GeneralAnswer(answer, score, -loss / tokens, tokens))
    return found


def before_and_after(before: Scores, after: Scores, questions: Sequence[GeneralQuestion]) -> list[GeneralRow]:
    """A row for each question."""
    pairs = zip(questions, ask(before, questions), ask(after, questions), strict=True)
    return [GeneralRow(one.question, one.answers, one.kind, *answers) for one, *answers in pairs]
