import re
from random import Random

import pytest

from retrieval.prompt import Prompt, is_abstention, render
from training.starter import wordings, words
from training.starter.frames import CONTRASTS, framed_question, framed_statement, joined
from training.starter.quantities import BARE, QUESTIONS, STATEMENTS, quantity_relation, similar_relation
from training.starter.relations import RELATIONS
from training.starter.world import Fact, World

PROMPT = Prompt()


@pytest.mark.parametrize("level", [1, 2, 3, 4])
@pytest.mark.parametrize("evaluation", [False, True])
def test_an_answer_stands_in_the_passage_that_it_cites(level, evaluation):
    world = World(Random(5), PROMPT, evaluation=evaluation)
    answered = 0
    for _ in range(300):
        episode = world.episode(level)
        if episode.value is None:
            assert is_abstention(episode.completion, PROMPT)
            continue
        answered += 1
        mark = int(episode.completion.rsplit("[", 1)[1][:-1])
        assert episode.completion == f"{episode.value} [{mark}]"
        assert episode.value in episode.passages[mark - 1].text
    assert answered > 150


def test_a_fifth_or_so_cannot_be_answered():
    world = World(Random(6), PROMPT)
    absent = sum(world.episode(4).value is None for _ in range(2000)) / 2000
    assert 0.15 < absent < 0.3


def test_level_four_has_the_passages_of_serving_in_any_place():
    world = World(Random(7), PROMPT)
    episodes = [world.episode(4) for _ in range(600)]
    sizes = [len(e.passages) for e in episodes]
    assert max(sizes) == 4
    assert sum(size == 4 for size in sizes) > 500
    marks = [int(e.completion.rsplit("[", 1)[1][:-1]) for e in episodes if e.value is not None and len(e.passages) == 4]
    for mark in (1, 2, 3, 4):
        assert 0.18 < marks.count(mark) / len(marks) < 0.32


def test_messages_are_those_of_serving():
    episode = World(Random(8), PROMPT).episode(4)
    assert episode.messages(PROMPT) == render(episode.question, episode.passages, PROMPT)


def test_evaluation_shares_no_name_with_training():
    names = {False: set(), True: set()}
    for evaluation, found in names.items():
        random = Random(9)
        found.update(words.stem(random, evaluation) for _ in range(1000))
    assert names[False]
    assert names[True]
    assert not names[False] & names[True]


def test_evaluation_shares_no_wording_with_training():
    seen, unseen = World(Random(1), PROMPT), World(Random(1), PROMPT, evaluation=True)
    assert {unseen._pick(STATEMENTS) for _ in range(50)} == {STATEMENTS[-1]}
    assert STATEMENTS[-1] not in {seen._pick(STATEMENTS) for _ in range(500)}


PARTS = ("statements", "bare", "questions")
SUBJECT = re.compile(r"\b(?:the|a|an|my|this) \{s\}|`?\{s\}`?|\bit\b", re.IGNORECASE)


def test_no_wording_is_listed_twice():
    lists = [value for name, value in vars(wordings).items() if name.isupper()]
    lists += [getattr(one, part) for kind in RELATIONS.values() for one in kind for part in PARTS]
    for wording in [*lists, STATEMENTS, BARE, QUESTIONS]:
        assert len(set(wording)) == len(wording) > 1, "the last is kept for evaluation"


def test_no_wording_for_evaluation_is_one_of_training_with_another_subject():
    relations = [one for kind in RELATIONS.values() for one in kind] + [quantity_relation(Random(1))]
    for one in relations:
        trained = {SUBJECT.sub("#", text).casefold() for part in PARTS for text in getattr(one, part)[:-1]}
        kept = {SUBJECT.sub("#", getattr(one, part)[-1]).casefold() for part in PARTS}
        assert not kept & trained, one.names


def test_a_frame_leaves_the_words_of_a_sentence():
    random = Random(3)
    statements = {framed_statement(random, "The lid is 3 mm.") for _ in range(300)}
    assert len(statements) > 30
    assert all("he lid is 3 mm" in one and one.endswith(".") for one in statements)
    assert framed_statement(random, "- lid: 3 mm.") == "- lid: 3 mm."
    assert framed_statement(random, "lid = 3 mm") == "lid = 3 mm"
    questions = {framed_question(random, "Which lid fits?") for _ in range(300)}
    assert len(questions) > 15
    assert all("hich lid fits?" in one for one in questions)
    assert "Please tell me: which lid fits?" in questions
    assert "Falcon lid? Thanks!" in {framed_question(random, "Falcon lid?") for _ in range(300)}


def test_sentences_run_together_keep_their_words_and_lists_stay():
    random = Random(5)
    sentences = ["The lid is 3 mm.", "It is red.", "- base: 4 mm", "Falcon has a fan."]
    drawn = [joined(random, sentences) for _ in range(200)]
    assert {len(one) for one in drawn} == {3, 4}, "the sentence after the list's line never joins it"
    for one in drawn:
        assert one[-2:] == ["- base: 4 mm", "Falcon has a fan."]
        assert "he lid is 3 mm" in one[0]
        assert "t is red." in " ".join(one)


def test_a_contrast_gives_both_subjects_their_own_value():
    for text in CONTRASTS:
        assert all(f"{{{key}}}" in text for key in "asvow")
    relation = quantity_relation(Random(1), "weight")
    one, other = Fact("Oxbow 3", relation, "weight", "2 kg"), Fact("Oxbow 4", relation, "weight", "5 g")
    world = World(Random(1), PROMPT)
    said = {world._contrast(one, other, "the ") for _ in range(200)}
    assert len(said) == len(CONTRASTS)
    assert "The weight of the Oxbow 3 is 2 kg, that of the Oxbow 4 5 g." in said
    assert "With 5 g as its weight, the Oxbow 4 lies behind the Oxbow 3 and its 2 kg." in said


def test_a_similar_attribute_can_be_told_from_those_stated():
    drawn = [quantity_relation(Random(n), "pressure") for n in range(9)]
    stated = [one for one in drawn if one.names[0] != "pressure"]
    found = [similar for n in range(99) if (similar := similar_relation(Random(n), stated))]
    assert found
    assert all("pressure" in one.names[0] for one in found)
    told = [set(one.names[0].split()) for one in stated]
    for words_asked in (set(one.names[0].split()) for one in found):
        assert not any(words_asked <= stated_words or stated_words <= words_asked for stated_words in told)
    assert similar_relation(Random(1), RELATIONS["person"]) is None


def test_the_same_seed_draws_the_same_world():
    first, second = World(Random(4), PROMPT), World(Random(4), PROMPT)
    assert [first.episode(4) for _ in range(20)] == [second.episode(4) for _ in range(20)]


@pytest.mark.parametrize("kind", list(RELATIONS))
def test_every_wording_names_its_value_or_subject(kind):
    for relation in RELATIONS[kind]:
        assert all("{v}" in text for text in (*relation.statements, *relation.bare)), relation.names
        assert all("{s}" in text for text in (*relation.statements, *relation.questions)), relation.names
        assert min(map(len, (relation.statements, relation.bare, relation.questions))) > 1
        assert relation.value(Random(1))


@pytest.mark.parametrize("noun", list(words.QUANTITIES))
def test_every_quantity_has_a_value_and_questions(noun):
    relation = quantity_relation(Random(2), noun)
    assert noun in relation.names[0]
    assert any(character.isdigit() for character in relation.value(Random(3)))
    assert relation.questions[-1] == "I cannot remember the {a} of the {s}, can you?"
