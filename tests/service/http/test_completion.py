import asyncio
import threading

import pytest

from retrieval.errors import Busy, InputError
from retrieval.search_settings import SearchSettings
from service.http.completion import Completion, Trimmed, read_conversation
from service.http.problems import Problem
from service.http.schemas import ChatMessage


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


def started(runtime, *pairs: tuple[str, str], new_tokens: int | None = None) -> Completion:
    completion = Completion(Lease(runtime))
    completion.start(read_conversation(messages(*pairs)), new_tokens=new_tokens, temperature=0.0)
    return completion


def test_the_last_user_message_is_the_question_and_the_rest_is_history():
    conversation = read_conversation(
        messages(("user", "How high?"), ("assistant", "12 bar."), ("user", "And how wide?"))
    )
    assert conversation.question == "And how wide?"
    assert [message["role"] for message in conversation.history] == ["user", "assistant"]
    assert conversation.ignored == ()


def test_the_client_s_instructions_are_ignored_and_named():
    conversation = read_conversation(
        messages(("system", "Be a pirate."), ("developer", "Rhyme."), ("user", "How high?"))
    )
    assert conversation.history == ()
    assert conversation.ignored == ("messages[0]", "messages[1]")


def test_turns_alternate_whatever_the_client_sends():
    conversation = read_conversation(
        messages(
            ("assistant", "Hello."),
            ("user", "a"),
            ("user", "b"),
            ("assistant", "c"),
            ("user", "never answered"),
            ("user", "question"),
        )
    )
    assert [(message["role"], message["content"]) for message in conversation.history] == [
        ("user", "a\n\nb"),
        ("assistant", "c"),
    ]
    assert conversation.ignored == ("messages[0]", "messages[4]")


def test_text_parts_are_joined():
    parts = ChatMessage(role="user", content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    assert read_conversation([parts]).question == "a\nb"


@pytest.mark.parametrize(
    ("pairs", "param"),
    [
        ([("user", "a"), ("assistant", "b")], "messages[1].role"),
        ([("user", "a"), ("assistant", "b"), ("user", "  ")], "messages[2].content"),
    ],
)
def test_a_conversation_that_ends_without_a_question_is_refused(pairs, param):
    with pytest.raises(Problem) as caught:
        read_conversation(messages(*pairs))
    assert caught.value.param == param


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
    started(runtime, ("user", "How high?"), ("assistant", "12 bar."), ("user", "How wide?"))
    roles = [message["role"] for message in runtime.generator.messages[-1]]
    assert roles == ["system", "user", "assistant", "user"]
    assert runtime.generator.messages[-1][-1]["content"].endswith("Question: How wide?")


def test_the_oldest_turns_are_left_out_where_they_do_not_fit(make_runtime):
    runtime = make_runtime("r1")
    long = "word " * 380
    turns = [("user", long), ("assistant", "ok"), ("user", "short"), ("assistant", "fine")]
    completion = started(runtime, *turns, ("user", "How high?"))
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
    with pytest.raises(Busy):
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
        completion = started(runtime, ("user", "a"))
        pieces = completion.pieces()
        assert await anext(pieces) == "12"
        waiting = asyncio.create_task(anext(pieces))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 30)
        completion.close()

    asyncio.run(read())


def test_white_space_at_both_ends_is_never_shown():
    text = Trimmed()
    assert [text.push(piece) for piece in (" ", "\n a", " ", " b ", "\n", "")] == ["", "a", "", "  b", "", ""]
    assert text.whole == "a  b"


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
