"""Supervised rows joined into conversations: the same questions and answers in fewer rows."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from retrieval.documents import Passage
from retrieval.prompt import Prompt
from training.data.conversations import join_rows, questions_in
from training.data.examples import Example
from training.data.supervised import build_supervised

PROMPT = Prompt()
TEXTS = {f"d{n}": f"The Petrel {n} weighs {n}0 kg and was built in 20{n}0 by Anna." for n in range(1, 7)}
EXAMPLES = [
    Example(f"{kind}{n}", f"{ask} Petrel {n}?", (answer,), (f"d{n}",), split="train")
    for n in range(1, 7)
    for kind, ask, answer in (("w", "How heavy is", f"{n}0 kg"), ("y", "When was", f"20{n}0"))
] + [Example("none", "Who sells the Petrel 1?", (), split="train")]


def passage(number):
    name = f"d{number}"
    return Passage(name, f"{name}#0", TEXTS[name], "", 1.0, number, 0.5)


def search(questions):
    """The document asked about, and those after it."""
    starts = [int(re.search(r"Petrel (\d)", question)[1]) for question in questions]
    return [[passage((start + step - 1) % 6 + 1) for step in range(6)] for start in starts]


def built(abstention_share=0.3):
    rows, _ = build_supervised(
        EXAMPLES,
        search,
        PROMPT,
        chunks_of=lambda documents: [passage(int(name[1:])) for name in documents],
        groups={},
        seed=3,
        abstention_share=abstention_share,
    )
    return rows


def joined(rows, **options):
    return join_rows(rows, {one.id: one for one in EXAMPLES}, **{"turns": 4, "seed": 5, **options})


def asked_and_answered(row):
    """Question, answer and passages of each turn."""
    answers = [one["content"] for one in row.messages if one["role"] == "assistant"] + [row.completion]
    asked = [one["content"].rpartition("Question: ")[2] for one in row.messages if one["role"] == "user"]
    return list(zip(asked, answers, strict=True))


@pytest.mark.parametrize("turns", [2, 4, 9])
def test_every_question_is_asked_once_and_in_fewer_rows(turns):
    rows = joined(built(), turns=turns)
    asked = Counter(question for row in rows for question, _ in asked_and_answered(row))
    assert asked == Counter(one.question for one in EXAMPLES)
    assert len(rows) < len(EXAMPLES)
    assert max(map(questions_in, rows)) <= turns
    assert [row.messages[0] for row in rows] == [built()[0].messages[0]] * len(rows)


def test_each_answer_stands_in_the_passage_that_it_cites_and_no_refusal_could_be_answered():
    by_question = {one.question: one for one in EXAMPLES}
    followed = 0
    for row in joined(built()):
        for question, answer in asked_and_answered(row):
            example = by_question[question]
            shown = [TEXTS[name.partition("#")[0]] for name in row.passages]
            if answer == PROMPT.abstention:
                assert not any(good in text for text in shown for good in example.answers)
            else:
                good, mark = re.fullmatch(r"(.+) \[(\d)\]", answer).groups()
                assert good in example.answers
                assert f"Petrel {question[-2]}" in shown[int(mark) - 1]
                assert good in shown[int(mark) - 1]
            followed += 1
    assert followed == len(EXAMPLES)


def test_one_turn_joins_nothing_and_the_seed_alone_decides():
    rows = built()
    assert sorted(joined(rows, turns=1), key=lambda row: row.example_id) == sorted(rows, key=lambda row: row.example_id)
    assert joined(rows) == joined(built())
    assert joined(rows) != joined(rows, seed=6)


def test_of_a_limited_number_the_fullest_stay():
    rows = joined(built())
    few = joined(built(), most=2)
    assert few == [row for row in rows if row in few]
    assert sum(map(questions_in, few)) == sum(sorted(map(questions_in, rows))[-2:])


def test_a_question_over_two_documents_follows_only_where_both_are_shown():
    both = Example("both", "What do Petrel 1 and Petrel 2 have in common?", ("Anna",), ("d1", "d2"), split="train")
    row = replace(
        built(0.0)[0],
        example_id="both",
        passages=("d1#0", "d2#0"),
        completion="Anna [1][2]",
        oracle_positions=(1, 2),
        oracle_position=1,
        oracle_present=True,
    )
    examples = {one.id: one for one in [*EXAMPLES, both]}
    heads = built(0.0)
    for head in heads[:6]:
        rows = join_rows([head, row], examples, turns=2, seed=0)
        if len(rows) == 1 and rows[0].example_id != "both":
            marks = sorted(head.passages.index(name) + 1 for name in ("d1#0", "d2#0"))
            assert rows[0].completion == f"Anna [{marks[0]}][{marks[1]}]"
        elif len(rows) == 2:
            assert not {"d1#0", "d2#0"} <= set(head.passages)


def test_rows_of_two_tasks_are_not_joined():
    rows = built(0.0)
    french = [replace(row, task="french") for row in rows[:4]]
    for row in joined([*rows[4:], *french]):
        asked = {question for question, _ in asked_and_answered(row)}
        own = {one.question for one in EXAMPLES if one.id in {other.example_id for other in french}}
        assert asked <= own if row.task else not asked & own
