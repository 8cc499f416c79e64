"""Follow-ups that stand alone, and questions that already do."""

import pytest

from retrieval.documents import Passage
from training.answering.followup import interleave, standalone

LEINE = ("How much does the Leine pump weigh?", "55 kilograms [1].")


def turns(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": role, "content": text} for pair in pairs for role, text in zip(roles, pair, strict=True)]


@pytest.mark.parametrize(
    ("before", "question", "asked"),
    [
        ([LEINE], "And how long is its warranty?", "And how long is its warranty? (Leine)"),
        ([LEINE], "Where is it made?", "Where is it made? (Leine)"),
        ([LEINE], "What is the warranty of this pump?", "What is the warranty of this pump? (Leine)"),
        ([LEINE], "And the Isar?", "And the Isar? (pump weigh)"),
        ([LEINE], "Why?", "Why? (Leine pump weigh)"),
        ([("What does AddSuffix do to a name?", "x")], "and the AddPrefix one?", "and the AddPrefix one? (name)"),
        ([("how much does the leine pump weigh?", "x")], "and its warranty?", "and its warranty? (leine pump weigh)"),
        (
            [("Which pump weighs 55 kg?", "The Leine pump [1].")],
            "Where is it made?",
            "Where is it made? (Leine)",
        ),
        ([LEINE, ("And its warranty?", "117 months")], "Where is it made?", "Where is it made? (Leine)"),
        ([LEINE, ("And the Isar one?", "28")], "Where is it made?", "Where is it made? (Isar)"),
        ([("Wie schwer ist die Leine-Pumpe?", "55 kg")], "Und wie lange ist ihre Garantie?", "(Leine-Pumpe)"),
        ([("Combien pèse la pompe Leine ?", "55 kg")], "Et sa garantie, combien dure-t-elle ?", "(Leine)"),
        ([("Does code 0x80070057 stop it?", "No.")], "How do I clear it?", "How do I clear it? (0x80070057)"),
    ],
)
def test_a_follow_up_takes_over_what_it_leaves_out(before, question, asked):
    found = standalone(question, turns(*before))
    assert found is not None
    assert found.certain
    assert found.text.startswith(question)
    assert found.text.endswith(asked)


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ([], "Where is it made?"),
        ([LEINE], "How much does the Isar pump weigh?"),
        ([LEINE], "Does the Isar pump keep its warranty?"),
        ([LEINE], "Where is the Leine pump made?"),
    ],
)
def test_a_question_that_stands_alone_is_left_as_it_is(before, question):
    assert standalone(question, turns(*before)) is None


@pytest.mark.parametrize("question", ["How long is the warranty?", "Is it possible to reset the controller?"])
def test_what_may_begin_something_new_is_not_certain(question):
    found = standalone(question, turns(LEINE))
    assert found is not None
    assert (found.text, found.certain) == (f"{question} (Leine)", False)


def test_of_a_pasted_page_only_a_few_words_are_taken_over():
    page = " ".join(f"Name{number}" for number in range(500))
    found = standalone("And why?", turns((page, "x")))
    assert found is not None
    assert len(found.text.split()) < 20


def passage(name: str, text: str = "") -> Passage:
    return Passage(name, f"{name}#0", text or name, "", 1.0, 1, 0.5)


def test_a_follow_up_is_answered_from_what_names_its_subject():
    found = standalone("And its warranty?", turns(LEINE))
    passages = [passage("a", "The Isar pump."), passage("b", "the LEINE-pump; Leine."), passage("c", "Leines.")]
    assert found is not None
    assert [one.document_id for one in found.about(passages)] == ["b"]
    assert found.about(passages[:1]) == passages[:1], "nothing names it: all may bear the answer"
    guess = standalone("How long is the warranty?", turns(LEINE))
    assert guess is not None
    assert guess.about(passages) == passages
    other = standalone("And the Isar one?", turns(LEINE))
    assert other is not None
    assert other.names == (), "what was taken over is no name"


def test_two_searches_take_turns_and_a_passage_stands_once():
    first, second = [passage(name) for name in "abc"], [passage(name) for name in "bxy"]
    merged = interleave(first, second)
    assert [(one.document_id, one.rank) for one in merged] == [("a", 1), ("b", 2), ("x", 3)]


def test_long_texts_and_long_conversations_take_no_long():
    """The expressions look back and forth: of megabytes, which one request can hold, they took hours."""
    pasted = "is it the one Name " * 50_000
    assert standalone(pasted, turns(LEINE)) is None
    found = standalone("And its warranty?", turns(*[(pasted, pasted)] * 1000))
    assert found is not None
    assert found.certain
