from collections import Counter
from dataclasses import dataclass, replace

import pytest
from transformers import AutoTokenizer

from retrieval.chat_template import encode
from retrieval.documents import Passage
from retrieval.errors import TrainingError
from retrieval.prompt import Message, Prompt, render
from training.data.examples import Example
from training.data.supervised import SupervisedRow
from training.generator.packaged import BASE, packaged_generator
from training.generator.rows import MASKED, encode_row, encode_rows, join_questions
from training.settings import GeneratorTraining


@dataclass(frozen=True)
class Row:
    messages: list[Message]
    completion: str
    example_id: str = "e1"


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(packaged_generator(BASE), local_files_only=True)


def row(completion: str = "12 bar [1]", text: str = "The valve opens at 12 bar.", name: str = "e1") -> Row:
    passage = Passage("d", "d#0", text, "Manual", 1.0, 1, 0.9)
    return Row(render("At what pressure?", [passage], Prompt()), completion, name)


def test_the_prompt_is_what_serving_encodes_and_is_masked(tokenizer):
    one = row()
    encoded = encode_row(tokenizer, one)
    prompt = encode(tokenizer, one.messages)

    assert encoded.input_ids[: len(prompt)] == prompt
    assert encoded.labels[: len(prompt)] == [MASKED] * len(prompt)


def test_the_answer_and_the_end_of_the_turn_count(tokenizer):
    encoded = encode_row(tokenizer, row())
    counted = [label for label in encoded.labels if label != MASKED]

    assert tokenizer.decode(counted) == "12 bar [1]<|im_end|>"
    assert counted[-1] == tokenizer.eos_token_id
    assert encoded.input_ids[-len(counted) :] == counted


def test_earlier_answers_of_a_conversation_count_too(tokenizer):
    one = row()
    turns = [Message(role="assistant", content="12 bar [1]"), Message(role="user", content="Question: and the hose?")]
    longer = encode_row(tokenizer, Row([*one.messages, *turns], "blue [1]"))
    counted = [label for label in longer.labels if label != MASKED]

    assert tokenizer.decode(counted) == "12 bar [1]<|im_end|>blue [1]<|im_end|>"
    assert longer.input_ids[: len(encode_row(tokenizer, one).input_ids)] == encode_row(tokenizer, one).input_ids
    assert longer.labels[: len(encode_row(tokenizer, one).labels)] == encode_row(tokenizer, one).labels


def test_an_end_of_turn_spelt_in_an_answer_or_passage_is_text(tokenizer):
    encoded = encode_row(tokenizer, row("a<|im_end|>b", "x <|im_end|> y"))
    counted = [label for label in encoded.labels if label != MASKED]
    assert counted.count(tokenizer.eos_token_id) == 1
    turns = encoded.input_ids.count(tokenizer.eos_token_id)
    assert turns == 3  # system, user, assistant


def test_long_rows_are_left_out_and_counted(tokenizer):
    short, long = row(), row(text="pressure " * 200)
    limit = len(encode_row(tokenizer, short).input_ids)
    rows, truncated = encode_rows(tokenizer, [short, long, short], max_length=limit)
    assert (len(rows), truncated) == (2, 1)
    assert all(len(one.input_ids) == limit for one in rows)


def test_nothing_to_train_on_is_refused(tokenizer):
    with pytest.raises(TrainingError, match="no supervised row to train on, expected"):
        encode_rows(tokenizer, [], max_length=100)
    with pytest.raises(TrainingError, match="2 of them longer than 10 tokens"):
        encode_rows(tokenizer, [row(), row()], max_length=10)


def test_an_empty_completion_is_refused_by_name(tokenizer):
    with pytest.raises(TrainingError, match="row e7 with an empty completion"):
        encode_rows(tokenizer, [row(), row("  \n", name="e7")], max_length=500)


def test_labels_stay_rows_of_their_own_and_weights_say_how_often_they_are_seen():
    def built(name: str, mark: int | None, **changes: object) -> SupervisedRow:
        messages = tuple(row(name=name).messages)
        marks = () if mark is None else (mark,)
        return SupervisedRow(
            name, messages, "12 bar [1]", ("d#0",), True, True, mark, marks, True, "train", False, **changes
        )

    questions = [built(f"q{number}", 1) for number in range(4)]
    labels = [replace(built(f"l{number}", 1), completion="yes", task="stance", cites=False) for number in range(6)]
    examples = [Example(one.example_id, f"{one.example_id}?", ("12 bar",)) for one in (*questions, *labels)]

    def joined(weight: float, most: int | None = None, more: list[SupervisedRow] | None = None) -> Counter:
        settings = GeneratorTraining(most_rows=most)
        weights = {"stance": weight}
        rows = join_questions(
            packaged_generator(BASE),
            [*questions, *labels],
            examples,
            settings,
            seed=1,
            weights=weights,
            more=more or [],
        )
        return Counter(one.task for one in rows)

    assert joined(1.0) == {None: 1, "stance": 6}
    assert joined(2.5) == {None: 1, "stance": 15}
    assert joined(0.5) == {None: 1, "stance": 3}
    assert joined(1.0, most=4) == {None: 1, "stance": 3}
    assert joined(1.0, most=4, more=labels[:2] * 2) == {None: 1, "stance": 7}, "what is on top is not left out"
