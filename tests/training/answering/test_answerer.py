"""Answering: what is asked, when nothing is generated, and what is concluded."""

from collections.abc import Sequence

import pytest

from retrieval.documents import Passage
from retrieval.prompt import Message, Prompt, render
from retrieval.search_settings import SearchSettings
from training.answering.answerer import Answerer
from training.tasks.task import Task

PROMPT = Prompt()


def passage(number: int, similarity: float = 0.6) -> Passage:
    text = f"Part {number} weighs {number * 10} kg."
    return Passage(f"d{number}.md", f"d{number}.md#0", text, "", score=1 / number, rank=number, similarity=similarity)


class FakeSearcher:
    """Returns the same passages for every question and remembers what was asked."""

    settings = SearchSettings()

    def __init__(self, passages: Sequence[Passage] | dict[str, list[Passage]]) -> None:
        self.passages = passages
        self.calls: list[tuple[list[str], int | None]] = []

    def search_batch(self, questions: Sequence[str], *, top_k: int | None = None) -> list[list[Passage]]:
        self.calls.append((list(questions), top_k))
        if isinstance(self.passages, dict):
            return [self.passages[question] for question in questions]
        return [list(self.passages)[:top_k] for _ in questions]


class FakeGenerator:
    """A prompt has a token for each word of the user's message; texts are given in advance."""

    def __init__(self, *texts: str, max_context: int = 100_000) -> None:
        self.max_context = max_context
        self.texts = list(texts)
        self.finish_reason = "stop"
        self.encoded: list[Sequence[Message]] = []
        self.batches: list[tuple[list[list[int]], int]] = []

    def encode(self, messages: Sequence[Message], *, thinking: bool = False) -> list[int]:
        self.encoded.append(messages)
        return [len(self.encoded)] * len(messages[-1]["content"].split())

    def complete(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[tuple[str, str]]:
        self.batches.append((list(prompts), max_new_tokens))
        return [(self.texts.pop(0), self.finish_reason) for _ in prompts]


def answerer(searcher: FakeSearcher, generator: FakeGenerator, **settings: object) -> Answerer:
    searcher.settings = SearchSettings(**settings)  # type: ignore[arg-type]
    return Answerer(searcher, generator, PROMPT, "r0001-abc", max_new_tokens=48)  # type: ignore[arg-type]


def test_an_answer_keeps_its_marks_and_names_release_and_source() -> None:
    searcher, generator = FakeSearcher([passage(1), passage(2)]), FakeGenerator(" It weighs 20 kg [2]. ")
    answer = answerer(searcher, generator).answer("What does part 2 weigh?")
    assert answer.text == "It weighs 20 kg [2]."
    assert not answer.abstained
    assert [(one.document_id, one.quote) for one in answer.citations] == [("d2.md", "Part 2 weighs 20 kg.")]
    assert answer.citations[0].quote in answer.passages[1].text
    assert answer.release == "r0001-abc"
    assert searcher.calls == [(["What does part 2 weigh?"], 10)]
    [(prompts, max_new_tokens)] = generator.batches
    assert (len(prompts), max_new_tokens) == (1, 48)


def test_the_generator_is_asked_with_the_one_prompt() -> None:
    found = [passage(1), passage(2)]
    generator = FakeGenerator("x")
    prepared = answerer(FakeSearcher(found), generator).prepare("Q?")
    assert prepared.messages == render("Q?", found, PROMPT)
    assert list(generator.encoded) == [prepared.messages]
    assert prepared.prompt_ids is not None
    assert set(prepared.prompt_ids) == {1}


def test_a_mark_beyond_the_passages_that_were_shown_cites_nothing() -> None:
    found = [passage(number) for number in range(1, 8)]
    answer = answerer(FakeSearcher(found), FakeGenerator("60 kg [6] or 40 kg [4]")).answer("Q?")
    assert [one.document_id for one in answer.citations] == ["d4.md"]  # max_passages is 4
    assert len(answer.passages) == 7


@pytest.mark.parametrize(("max_context", "shown"), [(1000, 4), (48 + 28, 4), (48 + 27, 3), (48 + 10, 1), (10, 1)])
def test_the_last_passages_give_way_where_the_context_is_short(max_context: int, shown: int) -> None:
    # Each passage is six words with its mark, the question twice two: 28 for the four that the prompt takes.
    found = [passage(number) for number in range(1, 8)]
    generator = FakeGenerator("10 kg [1] or 40 kg [4]", max_context=max_context)
    system = answerer(FakeSearcher(found), generator)
    prepared = system.prepare("Q?")
    assert prepared.shown == shown
    assert prepared.messages == render("Q?", found[:shown], PROMPT)
    assert len(prepared.passages) == 7
    assert [c.document_id for c in system.answer("Q?").citations] == ["d1.md", "d4.md"][: 2 if shown == 4 else 1]


def test_without_passages_nothing_is_generated() -> None:
    generator = FakeGenerator()
    answer = answerer(FakeSearcher([]), generator).answer("Q?")
    assert (answer.text, answer.abstained, answer.citations) == (PROMPT.abstention, True, ())
    assert generator.batches == []


@pytest.mark.parametrize(("threshold", "abstains"), [(0.5, False), (0.6, False), (0.61, True)])
def test_below_the_threshold_nothing_is_generated(threshold: float, abstains: bool) -> None:
    found = [passage(1, similarity=0.3), passage(2, similarity=0.6)]  # the best need not be the first
    prepared = answerer(FakeSearcher(found), FakeGenerator(), abstain_below=threshold).prepare("Q?")
    assert prepared.abstain is abstains
    assert (prepared.prompt_ids is None) is abstains
    assert prepared.messages


def test_a_search_by_words_alone_has_no_cosine_to_compare() -> None:
    found = [passage(1, similarity=0.0)]
    assert not answerer(FakeSearcher(found), FakeGenerator(), mode="sparse", abstain_below=0.5).prepare("Q?").abstain


@pytest.mark.parametrize(
    "text", ["I cannot find this in the documents.", "i cannot find this in the documents [1]", "", " \n"]
)
def test_an_abstention_has_no_citations(text: str) -> None:
    answer = answerer(FakeSearcher([passage(1)]), FakeGenerator(text)).answer("Q?")
    assert answer.abstained
    assert answer.citations == ()
    assert answer.text


def test_a_batch_generates_only_for_those_that_do_not_abstain() -> None:
    searcher = FakeSearcher({"a": [passage(1)], "b": [], "c": [passage(3)]})
    generator = FakeGenerator("10 kg [1]", "30 kg [1]")
    answers = answerer(searcher, generator).answer_batch(["a", "b", "c"])
    assert [one.text for one in answers] == ["10 kg [1]", PROMPT.abstention, "30 kg [1]"]
    assert [one.abstained for one in answers] == [False, True, False]
    assert [c.document_id for one in answers for c in one.citations] == ["d1.md", "d3.md"]
    assert len(searcher.calls) == len(generator.batches) == 1


def test_an_empty_batch_asks_nobody() -> None:
    generator = FakeGenerator()
    assert answerer(FakeSearcher({}), generator).answer_batch([]) == []
    assert generator.batches == []


def test_streaming_concludes_alike() -> None:
    system = answerer(FakeSearcher([passage(1)]), FakeGenerator("10 kg [1]"))
    streamed = system.conclude(system.prepare("Q?"), "".join(["10 ", "kg ", "[1]"]), "stop")
    assert streamed == system.answer("Q?")
    assert system.conclude(system.prepare("Q?"), "10 k", "length").finish_reason == "length"


def test_an_answer_that_the_limit_cut_is_told_as_cut() -> None:
    generator = FakeGenerator("", "twelve ba")
    generator.finish_reason = "length"
    found = answerer(FakeSearcher([passage(1)]), generator).answer_batch(["one", "two"])
    assert [one.finish_reason for one in found] == ["length", "length"]
    assert [one.abstained for one in found] == [False, False]
    assert [one.text for one in found] == ["", "twelve ba"]


def test_thinking_has_a_budget_of_its_own_and_is_not_shown() -> None:
    generator = FakeGenerator("<think>It says 12.</think>12 bar [1]")
    thinking = Answerer(FakeSearcher([passage(1)]), generator, Prompt(thinking_tokens=100), "r", max_new_tokens=48)
    assert thinking.answer("How high?").text == "12 bar [1]"
    assert generator.batches[0][1] == 148


STANCE = Task(kind="classification", instruction="Say one of: yes, no.", labels=("yes", "no"))
BRIEF = Task(kind="summarisation", instruction="Summarise.", max_new_tokens=200)


class WeighingGenerator(FakeGenerator):
    """Tells probabilities: the last text is the likeliest always."""

    can_score = True

    def weigh(self, prompts: Sequence[list[int]], choices: Sequence[Sequence[str]]) -> list[list[float]]:
        self.weighed = list(prompts), list(choices)
        return [[float(place) for place in range(len(own))] for own in choices]


def with_tasks(generator: FakeGenerator, *passages: Passage, **settings: object) -> Answerer:
    one = answerer(FakeSearcher(passages), generator, **settings)
    one.tasks = {"stance": STANCE, "brief": BRIEF}
    return one


def test_a_classification_is_answered_with_the_likeliest_label_and_nothing_is_generated() -> None:
    generator = WeighingGenerator("30 kg [1]")
    one = with_tasks(generator, passage(1))
    prepared = [one.prepare("Is it?", "stance"), one.prepare("How heavy?")]
    label, answer = one.answer_prepared(prepared)
    assert (label.text, label.abstained, label.citations) == ("no", False, ())
    assert answer.text == "30 kg [1]"
    assert generator.weighed == ([prepared[0].prompt_ids], [("yes", "no")])
    assert [len(prompts) for prompts, _ in generator.batches] == [1]
    assert prepared[0].messages == render("Is it?", [passage(1)], STANCE.asked(PROMPT))


def test_a_classification_that_abstains_has_the_abstention_to_choose() -> None:
    one = with_tasks(WeighingGenerator(), passage(1))
    one.tasks = {"stance": STANCE.model_copy(update={"abstains": True})}
    assert one.answer("Is it?", "stance").abstained


def test_a_generator_that_is_to_think_first_writes_its_label() -> None:
    generator = WeighingGenerator("<think>It is not.</think>No.")
    one = with_tasks(generator, passage(1))
    one.prompt = PROMPT.model_copy(update={"thinking_tokens": 20})
    assert one.answer("Is it?", "stance").text == "no"


def test_a_generator_without_probabilities_is_asked_and_its_text_names_the_label() -> None:
    one = with_tasks(FakeGenerator("Yes, it is.", "Both yes and no"), passage(1))
    assert one.answer("Is it?", "stance").text == "yes"
    assert one.answer("Is it?", "stance").text == "Both yes and no"


def test_a_task_has_its_own_length_and_never_abstains_by_the_search() -> None:
    generator = FakeGenerator("All of it. [1]", "", "42 [1]")
    one = with_tasks(generator, passage(1, similarity=0.1), abstain_below=0.5)
    assert one.answer("The report", "brief").text == "All of it. [1]"
    assert generator.batches[-1][1] == 200
    assert one.answer("How heavy?").abstained
    assert with_tasks(FakeGenerator("Nothing there.")).answer("The report", "brief").text == "Nothing there."


def test_a_name_that_is_no_task_here_asks_for_an_answer() -> None:
    one = with_tasks(FakeGenerator(), passage(1))
    assert one.prepare("How heavy?", "note of the user").messages == one.prepare("How heavy?").messages
