"""The one prompt."""

import pytest
from pydantic import ValidationError

from retrieval.documents import Passage
from retrieval.prompt import (
    Demonstration,
    Prompt,
    ShownExcerpt,
    cited_marks,
    is_abstention,
    render,
    strip_marks,
    strip_thinking,
)


def passage(text: str, context: str = "Manual") -> Passage:
    return Passage("a.md", "a.md#0", text, context, 1.0, 1, 0.5)


def test_passages_are_marked_in_their_order_and_cut_at_the_limit() -> None:
    messages = render("How deep?", [passage("Ten."), passage("Twenty.", "")], Prompt(max_passages=2))
    asked = "Question: How deep?"
    assert messages[1]["content"] == f"{asked}\n\n[1] Manual\nTen.\n\n[2]\nTwenty.\n\n{asked}"
    assert (
        "Twenty" not in render("How deep?", [passage("Ten."), passage("Twenty.")], Prompt(max_passages=1))[1]["content"]
    )


def test_braces_in_documents_and_prompts_are_text() -> None:
    prompt = Prompt(system="{abstention} {0} {question}", abstention="No {idea}.")
    messages = render("{question}", [passage("{abstention} {{x}}")], prompt)
    assert messages[0]["content"] == "No {idea}. {0} {question}"
    assert "{abstention} {{x}}" in messages[1]["content"]


def test_marks_are_read_and_stripped() -> None:
    assert cited_marks("42 mm [2] and [1], [2], [9]", 4) == [2, 1]
    assert strip_marks("42 mm [2].") == "42 mm."
    assert strip_marks("array[0] holds [1]") == "array[0] holds"


def test_abstention_is_recognised_whatever_its_case() -> None:
    prompt = Prompt()
    assert is_abstention("i cannot find this in the documents", prompt)
    assert is_abstention("I cannot find this in the documents. [1]", prompt)
    assert not is_abstention("I cannot find this in the documents, but 42 mm [1]", prompt)


@pytest.mark.parametrize(
    ("generated", "answer"),
    [
        ("<think>\n\n</think>\n\n36 months [1]", "36 months [1]"),
        ("\n<think>It says 36.</think>36 months", "36 months"),
        ("It says 36.\n</think>\n\n36 months", "36 months"),  # the prompt opened it
        ("<think>It says", ""),  # cut before it ended
        ("36 months, see <think>", "36 months, see <think>"),
        ("36 months", "36 months"),
    ],
)
def test_thoughts_are_no_part_of_an_answer(generated: str, answer: str) -> None:
    assert strip_thinking(generated) == answer


def test_an_abstention_after_thoughts_is_one() -> None:
    assert is_abstention("<think>\n\n</think>\n\nI cannot find this in the documents.", Prompt())


def test_worked_examples_stand_before_the_question_and_are_text() -> None:
    example = Demonstration("How {abstention}?", (ShownExcerpt("", "{passages}"),), "9 [1]")
    content = render("How deep?", [passage("Ten.")], Prompt(examples=1), [example])[1]["content"]
    asked = "Question: How deep?"
    shown = "Question: How {abstention}?\n\n[1]\n{passages}\n\nAnswer: 9 [1]"
    assert content == f"{shown}\n\n{asked}\n\n[1] Manual\nTen.\n\n{asked}"


def test_a_prompt_must_show_question_and_passages() -> None:
    with pytest.raises(ValidationError, match=r"no \{passages\}"):
        Prompt(user="{question}")
