import asyncio
import threading

import pytest

from retrieval.errors import Busy, InputError
from retrieval.search_settings import SearchSettings
from service.admission import Overloaded
from service.http.completion import Completion, Options
from service.http.conversation import read_conversation
from service.http.problems import Problem
from service.http.schemas import ChatMessage
from training.tasks.task import Task


class Lease:
    def __init__(self, runtime) -> None:
        self.runtime = runtime
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def messages(*pairs: tuple[str, str]) -> list[ChatMessage]:
    return [ChatMessage(role=role, content=text) for role, text in pairs]


def finish(completion: Completion) -> list[str]:
    async def collect() -> list[str]:
        return [piece async for piece in completion.pieces()]

    return asyncio.run(collect())


def started(runtime, *pairs: tuple[str, str], retrieval: bool = True, task: str | None = None, **options) -> Completion:
    completion = Completion(Lease(runtime), retrieval=retrieval, task=task)
    asyncio.run(completion.start(read_conversation(messages(*pairs)), Options(**options)))
    return completion


def test_pieces_join_to_the_answer(make_runtime):
    runtime = make_runtime("r1", pieces=[" \n", " 12", " bar [1]", ".", "\n", "\n"])
    completion = started(runtime, ("user", "How high?"))
    pieces = finish(completion)
    assert completion.answer is not None
    assert "".join(pieces) == completion.answer.text == "12 bar [1]."
    assert completion.answer.citations[0].document_id == "d1.md"
    assert completion.answer.release == "r1"
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (
        len(runtime.generator.encode(runtime.generator.messages[0])),
        6,
    )
    assert runtime.searcher.questions == ["How high?"]


def test_an_empty_generation_is_an_abstention(make_runtime):
    completion = started(make_runtime("r1", pieces=[" ", "\n"]), ("user", "How high?"))
    assert finish(completion) == ["I cannot find this in the documents."]
    assert completion.answer is not None
    assert completion.answer.abstained


def test_an_unlike_passage_abstains_without_generating(make_runtime):
    runtime = make_runtime("r1", search=SearchSettings(abstain_below=0.95))
    completion = started(runtime, ("user", "How high?"))
    assert finish(completion) == ["I cannot find this in the documents."]
    assert runtime.generator.handles == []
    assert completion.usage.completion_tokens == 0


def test_without_history_the_prompt_is_exactly_the_one_of_training(make_runtime):
    runtime = make_runtime("r1")
    prepared = runtime.answerer.prepare("How high?")
    started(runtime, ("system", "Be a pirate."), ("user", "How high?"))
    assert runtime.generator.messages[-1] == prepared.messages


def test_history_stands_between_instructions_and_question(make_runtime):
    runtime = make_runtime("r1")
    started(runtime, ("user", "How high?"), ("assistant", "12 bar."), ("user", "How wide is the Isar?"))
    roles = [message["role"] for message in runtime.generator.messages[-1]]
    assert roles == ["system", "user", "assistant", "user"]
    assert runtime.generator.messages[-1][-1]["content"].endswith("Question: How wide is the Isar?")


def test_the_oldest_turns_are_left_out_where_they_do_not_fit(make_runtime):
    runtime = make_runtime("r1")
    long = "word " * 380
    turns = [("user", long), ("assistant", "ok"), ("user", "short"), ("assistant", "fine")]
    completion = started(runtime, *turns, ("user", "How high is the Isar?"))
    assert [message["content"] for message in runtime.generator.messages[-1][1:3]] == ["short", "fine"]
    assert completion.usage.prompt_tokens < 100


def test_a_history_that_never_fits_is_left_out(make_runtime):
    runtime = make_runtime("r1")
    completion = started(runtime, ("user", "word " * 400), ("assistant", "ok"), ("user", "How high?"))
    assert completion.usage.prompt_tokens < 100


def test_a_prompt_longer_than_the_context_is_refused(make_runtime):
    with pytest.raises(Problem) as caught:
        started(make_runtime("r1"), ("user", "word " * 500))
    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "messages")


def test_the_length_is_the_client_s_or_the_release_s(make_runtime):
    runtime = make_runtime("r1")
    started(runtime, ("user", "a"), new_tokens=5)
    started(runtime, ("user", "a"))
    assert [asked["max_new_tokens"] for asked in runtime.generator.asked] == [5, 16]


def test_what_the_engine_refuses_has_its_words(make_runtime):
    runtime = make_runtime("r1")
    runtime.generator.failure = InputError("found nonsense")
    with pytest.raises(Problem, match="found nonsense"):
        started(runtime, ("user", "a"))
    runtime.generator.failure = Busy("too many")
    with pytest.raises(Overloaded):
        started(runtime, ("user", "a"))


def test_closing_cancels_and_gives_the_release_back(make_runtime):
    runtime = make_runtime("r1")
    completion = started(runtime, ("user", "a"))
    completion.close()
    assert runtime.generator.handles[0].cancelled.is_set()
    assert completion._lease.closed == 1


def test_a_cancelled_reader_does_not_wait_for_the_next_piece(make_runtime):
    runtime = make_runtime("r1")
    runtime.generator.gate = threading.Event()  # never set

    async def read() -> None:
        completion = Completion(Lease(runtime))
        await completion.start(read_conversation(messages(("user", "a"))), Options())
        pieces = completion.pieces()
        assert await anext(pieces) == "12"
        waiting = asyncio.create_task(anext(pieces))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 30)
        completion.close()

    asyncio.run(read())


def test_thoughts_are_never_shown(make_runtime):
    pieces = ["<thi", "nk>It ", "says 36.</th", "ink>\n\n36 ", "months"]
    completion = started(make_runtime("r1", pieces=pieces), ("user", "How long?"))
    assert "".join(finish(completion)) == "36 months"
    assert completion.answer is not None
    assert completion.answer.text == "36 months"


def test_what_only_begins_like_a_thought_is_shown(make_runtime):
    assert "".join(finish(started(make_runtime("r1", pieces=["<th", "ree> rooms"]), ("user", "How many?")))) == (
        "<three> rooms"
    )
    assert "".join(finish(started(make_runtime("r1", pieces=["<th"]), ("user", "How many?")))) == "<th"


def test_thoughts_cut_by_the_limit_are_no_abstention(make_runtime):
    runtime = make_runtime("r1", pieces=["<think>It ", "says"])
    completion = started(runtime, ("user", "How long?"))
    runtime.generator.handles[0].ends = "length"
    finish(completion)
    assert completion.answer is not None
    found = completion.answer
    assert (found.text, found.abstained, found.finish_reason) == ("", False, "length")


def test_a_stop_sequence_ends_the_answer_and_the_generation(make_runtime):
    runtime = make_runtime("r1", pieces=["12", " ba", "r [1]. ", "And", " more", " of it"])
    completion = started(runtime, ("user", "How high?"), stops=("nowhere", ". And"))
    assert "".join(finish(completion)) == "12 bar [1]"
    assert completion.answer is not None
    assert (completion.answer.text, completion.answer.finish_reason) == ("12 bar [1]", "stop")
    assert len(completion.answer.citations) == 1
    assert runtime.generator.handles[0].cancelled.is_set()


def test_without_retrieval_the_client_s_messages_are_the_prompt(make_runtime):
    runtime = make_runtime("r1", pieces=["Valves"])
    turns = [("system", "Be a pirate."), ("user", "a"), ("assistant", "b"), ("user", "Name it.")]
    completion = started(runtime, *turns, retrieval=False)
    assert finish(completion) == ["Valves"]
    assert runtime.searcher.questions == []
    assert [(one["role"], one["content"]) for one in runtime.generator.messages[-1]] == turns
    assert (completion.question, completion.ignored) == (None, ())
    assert completion.answer is not None
    assert (completion.answer.text, completion.answer.abstained, completion.answer.passages) == ("Valves", False, ())


def test_an_empty_generation_without_retrieval_is_no_abstention(make_runtime):
    completion = started(make_runtime("r1", pieces=[]), ("user", "Name it."), retrieval=False)
    assert finish(completion) == []
    assert completion.answer is not None
    assert (completion.answer.text, completion.answer.abstained) == ("", False)


def test_what_the_generator_cannot_honour_is_named(make_runtime):
    runtime = make_runtime("r1")
    completion = started(runtime, ("system", "Rhyme."), ("user", "a"), sampling={"top_p": 0.5, "seed": 3})
    assert completion.ignored == ("messages[0]", "top_p", "seed")
    runtime.generator.sampling = frozenset({"seed"})
    completion = started(runtime, ("user", "a"), sampling={"top_p": 0.5, "seed": 3})
    assert completion.ignored == ("top_p",)
    assert runtime.generator.asked[-1]["seed"] == 3


def test_a_follow_up_is_searched_for_with_what_it_leaves_out(make_runtime):
    runtime = make_runtime("r1")
    turns = [("user", "How much does the Leine pump weigh?"), ("assistant", "55 kg [1]")]
    completion = started(runtime, *turns, ("user", "And its warranty?"))
    assert runtime.searcher.questions == ["And its warranty? (Leine)"]
    assert completion.question == "And its warranty? (Leine)"
    prompt = runtime.generator.messages[-1]
    assert [message["role"] for message in prompt] == ["system", "user"], "as in training: it stands alone"
    assert "Question: And its warranty? (Leine)" in prompt[-1]["content"]


def test_what_may_be_a_follow_up_is_searched_for_both_ways(make_runtime):
    runtime = make_runtime("r1")
    turns = [("user", "How much does the Leine pump weigh?"), ("assistant", "55 kg [1]")]
    completion = started(runtime, *turns, ("user", "How long is the warranty?"))
    assert runtime.searcher.questions == ["How long is the warranty?", "How long is the warranty? (Leine)"]
    assert completion.question == "How long is the warranty? (Leine)"


def test_turns_that_do_not_fit_are_named(make_runtime):
    turns = [("user", "word " * 380), ("assistant", "ok"), ("user", "short"), ("assistant", "fine")]
    completion = started(make_runtime("r1"), *turns, ("user", "How high is the Leine?"))
    assert completion.ignored == ("messages[0]", "messages[1]")


@pytest.mark.parametrize("retrieval", [True, False])
def test_of_a_long_history_few_beginnings_are_tried(make_runtime, retrieval):
    runtime = make_runtime("r1")
    history = [pair for number in range(500) for pair in (("user", f"What is {number}?"), ("assistant", "That."))]
    completion = started(runtime, *history, ("user", "How high is the valve of the Leine?"), retrieval=retrieval)
    assert len(runtime.generator.messages) < 20
    longest = runtime.generator.max_context - (16 if retrieval else 200)
    assert longest - 4 <= completion.usage.prompt_tokens <= longest, "as many as fit: four words a turn and its answer"
    assert "messages[0]" in completion.ignored
    assert f"messages[{len(history) - 1}]" not in completion.ignored


STANCE = Task(kind="classification", instruction="Say one of: yes, no.", labels=("yes", "no"))
BRIEF = Task(kind="summarisation", instruction="Summarise.", max_new_tokens=200)


def test_a_classification_is_the_likeliest_label_and_generates_nothing(make_runtime):
    runtime = make_runtime("r1", tasks={"stance": STANCE})
    runtime.generator.can_score = True
    runtime.generator.weigh = lambda prompts, choices: [[-2.0, -1.0] for _ in prompts]
    completion = started(runtime, ("user", "Was it blue?"), ("assistant", "no"), ("user", "And red?"), task="stance")
    assert finish(completion) == ["no"]
    assert completion.answer.text == "no"
    assert completion.answer.citations == ()
    assert runtime.generator.handles == []
    assert runtime.searcher.questions == ["And red?"], "a message of a task stands for itself"
    assert completion.ignored == ("messages[0]", "messages[1]")
    assert runtime.generator.messages[-1][0]["content"] == "Say one of: yes, no."
    assert (completion.usage.prompt_tokens > 10, completion.usage.completion_tokens) == (True, 1)


def test_a_label_that_is_written_is_shown_once_it_is_known(make_runtime):
    runtime = make_runtime("r1", tasks={"stance": STANCE}, pieces=["The answer", " is Yes."])
    completion = started(runtime, ("user", "Is it?"), task="stance")
    assert finish(completion) == ["yes"]


def test_a_summary_streams_with_room_of_its_own(make_runtime):
    runtime = make_runtime("r1", tasks={"brief": BRIEF}, pieces=["The valve", " opens."])
    completion = started(runtime, ("user", "The valve"), task="brief")
    assert finish(completion) == ["The valve", " opens."]
    assert runtime.generator.asked[-1]["max_new_tokens"] == 200
