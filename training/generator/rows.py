"""Supervised rows as token ids: the prompt that serving encodes, then the answer and the end of the turn.

The loss counts the answer and the end of the turn only. Nothing is left to a library's own
templating, so that a training row and a live request cannot differ.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.chat_template import encode
from retrieval.errors import TrainingError
from retrieval.prompt import Message
from training.data.conversations import fullest, join_rows
from training.data.examples import Example
from training.data.mixing import shares
from training.data.supervised import SupervisedRow
from training.generator.files import context_length, encode_target, load_tokenizer
from training.settings import GeneratorTraining

MASKED = -100
"""The label of a token that does not count."""


@dataclass(frozen=True)
class EncodedRow:
    """Token ids and their labels, of equal length."""

    input_ids: list[int]
    labels: list[int]


def longest_row(base: Path, tokenizer: Any, max_length: int | None) -> int:
    """Tokens of the longest row that training takes: ``max_length``, or the model's context where that is less."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
    return min(max_length or sys.maxsize, context_length(config, tokenizer))


def encode_row(tokenizer: Any, row: SupervisedRow) -> EncodedRow:
    """Prompt (masked), answer and end of the turn; earlier answers of a conversation are no prompt and count, too."""
    prompt_ids = encode(tokenizer, row.messages)
    labels = [MASKED] * len(prompt_ids)
    for number, message in enumerate(row.messages):
        if message["role"] == "assistant":
            start, target = len(encode(tokenizer, row.messages[:number])), encode_target(tokenizer, message["content"])
            if prompt_ids[start : start + len(target)] == target:  # else the template shows earlier turns otherwise
                labels[start : start + len(target)] = target
    completion_ids = encode_target(tokenizer, row.completion)
    return EncodedRow(prompt_ids + completion_ids, labels + completion_ids)


def keeps_earlier_answers(tokenizer: Any) -> bool:
    """Whether a template shows the assistant's earlier answers as it ends them, so that a conversation teaches them."""
    turns = [Message(role=role, content=f"lockstep {role}") for role in ("user", "assistant", "user")]
    alone = len(encode_target(tokenizer, turns[1]["content"]))
    prompt_ids, start = encode(tokenizer, turns), len(encode(tokenizer, turns[:1]))
    return prompt_ids[start : start + alone] == encode_target(tokenizer, turns[1]["content"])


def join_questions(
    base: Path,
    rows: Sequence[SupervisedRow],
    examples: Sequence[Example],
    settings: GeneratorTraining,
    *,
    seed: int,
    weights: Mapping[str, float] | None = None,
    more: Sequence[SupervisedRow] = (),
) -> list[SupervisedRow]:
    """The rows as the generator is trained on them: questions on the same passages in one conversation.

    Args:
        base: directory of the model; one whose template drops earlier answers gets rows of one question.
        examples: those that the rows were built of.
        weights: task to how often its rows are seen. Labels, fields and summaries stay rows of their own.
        more: rows that come on top, whatever the weights and ``most_rows`` say; joined among themselves.
    """
    turns = settings.questions_per_row if keeps_earlier_answers(load_tokenizer(base)) else 1
    by_id = {one.id: one for one in examples}

    def joined_by_task(some: Sequence[SupervisedRow]) -> dict[str | None, list[SupervisedRow]]:
        return {
            task: join_rows(own, by_id, turns=turns if own[0].cites else 1, seed=seed)
            for task in dict.fromkeys(row.task for row in some)
            if (own := [row for row in some if row.task == task])
        }

    joined = joined_by_task(rows)
    taken = [row for own in joined_by_task(more).values() for row in own]
    for task, count in shares(
        {one: len(own) for one, own in joined.items()}, weights or {}, most=settings.most_rows
    ).items():
        copies, rest = divmod(count, len(joined[task]))
        taken += [*fullest(joined[task], rest), *joined[task] * copies]
    return taken


def encode_rows(tokenizer: Any, rows: Iterable[SupervisedRow], *, max_length: int) -> tuple[list[EncodedRow], int]:
    """The rows that fit into ``max_length``, and how many do not.

    A row that is too long is left out, not cut: cut at its end it teaches never to stop, cut in
    its prompt it teaches to answer without the evidence.

    Raises:
        TrainingError: no rows, a row without an answer, or none that fits.
    """
    encoded, truncated = [], 0
    for row in rows:
        if not row.completion.strip():
            raise TrainingError(
                f"found supervised row {row.example_id} with an empty completion, expected an answer or the "
                "abstention: it would teach to say nothing; look at it with `lockstep dataset`"
            )
        one = encode_row(tokenizer, row)
        if len(one.input_ids) > max_length:
            truncated += 1
        else:
            encoded.append(one)
    if not encoded:
        longest = f", {truncated} of them longer than {max_length} tokens" if truncated else ""
        raise TrainingError(
            f"found no supervised row to train on{longest}, expected at least one: "
            + ("shorten the chunks or raise max_length" if truncated else "add answered examples to the train split")
        )
    return encoded, truncated
