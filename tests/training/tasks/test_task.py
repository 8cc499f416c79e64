"""What a task is, and which label a text names."""

import pytest

from retrieval.prompt import Prompt, render
from training.tasks.task import Task

STANCE = Task(kind="classification", instruction="One of: yes, no, not sure.", labels=("yes", "no", "not sure"))


def test_only_answering_questions_abstains_by_default() -> None:
    assert not STANCE.abstains
    assert Task(kind="question answering").abstains
    assert Task(kind="summarisation", instruction="Summarise, or say: {abstention}", abstains=True).abstains


def test_its_instruction_stands_in_the_place_of_the_prompts_own() -> None:
    system, user = render("Is it?", [], STANCE.asked(Prompt()))
    assert system["content"] == "One of: yes, no, not sure."
    assert "Is it?" in user["content"]
    plain = Prompt()
    assert Task(kind="question answering").asked(plain) is plain


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("yes", "yes"),
        (" Yes. ", "yes"),
        ("**No**", "no"),
        ("The answer is no.", "no"),
        ("Not sure", "not sure"),
        ("I am not sure about it", "not sure"),
        ("yes or no", None),
        ("nothing known", None),  # "no" is no word of it
        ("", None),
    ],
)
def test_a_text_names_one_label_or_none(text: str, label: str | None) -> None:
    assert STANCE.label(text) == label


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"labels": ("yes",)}, "at least 2"),
        ({"labels": ("yes", "Yes")}, "each once"),
        ({"labels": ("yes", " no")}, "blanks"),
        ({"instruction": " "}, "no `instruction`"),
        ({"kind": "extraction", "labels": (), "fields": ()}, "`fields`"),
        ({"fields": ("a",)}, "with 'extraction' only"),
        ({"weight": 0}, "greater than 0"),
    ],
)
def test_what_no_kind_can_use_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Task.model_validate({**STANCE.model_dump(exclude={"abstains"}), **changes})
