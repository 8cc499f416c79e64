import pytest

from service.http.conversation import read_conversation
from service.http.problems import Problem
from service.http.schemas import ChatMessage


def messages(*pairs: tuple[str, str]) -> list[ChatMessage]:
    return [ChatMessage(role=role, content=text) for role, text in pairs]


def test_the_last_user_message_is_the_question_and_the_rest_is_history():
    conversation = read_conversation(
        messages(("user", "How high?"), ("assistant", "12 bar."), ("user", "And how wide?"))
    )
    assert conversation.question == "And how wide?"
    assert [message["role"] for message in conversation.history] == ["user", "assistant"]
    assert (conversation.unused, conversation.instructions) == ((), ())


def test_the_client_s_instructions_are_kept_apart_and_named():
    conversation = read_conversation(
        messages(("system", "Be a pirate."), ("developer", "Rhyme."), ("user", "How high?"))
    )
    assert conversation.history == ()
    assert conversation.instructions == ("messages[0]", "messages[1]")
    assert conversation.system == "Be a pirate.\n\nRhyme."


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
    assert conversation.unused == ("messages[0]", "messages[4]")
    assert conversation.sources == (("messages[1]", "messages[2]"), ("messages[3]",))


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


def test_what_tools_said_is_left_out_and_named():
    conversation = read_conversation(
        [
            ChatMessage(role="user", content="How high?", name="ann"),
            ChatMessage(role="assistant", content=None, tool_calls=[{"id": "1"}]),
            ChatMessage(role="tool", content="12 bar", tool_call_id="1"),
            ChatMessage(role="assistant", content="12 bar."),
            ChatMessage(role="user", content="And how wide?"),
            ChatMessage(role="assistant", content=None, tool_calls=[{"id": "2"}]),
            ChatMessage(role="tool", content="3 cm", tool_call_id="2"),
        ]
    )
    assert conversation.question == "And how wide?"
    assert [one["content"] for one in conversation.history] == ["How high?", "12 bar."]
    assert conversation.unused == ("messages[1]", "messages[2]", "messages[5]", "messages[6]")


def test_instructions_after_the_question_are_no_question():
    conversation = read_conversation(messages(("user", "How high?"), ("system", "Be brief.")))
    assert (conversation.question, conversation.system) == ("How high?", "Be brief.")


def test_every_message_of_a_question_that_was_never_answered_is_named():
    conversation = read_conversation(messages(("user", "a"), ("user", "b"), ("user", "question")))
    assert (conversation.history, conversation.unused) == ((), ("messages[0]", "messages[1]"))
