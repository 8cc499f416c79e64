import pytest

from service.http.tasks import is_ui_task

OPEN_WEBUI = [
    "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n### Guidelines:\n",
    "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history, along with 1-3 more",
    "### Task:\nSuggest 3-5 relevant follow-up questions or prompts that the user might naturally ask next",
    "### Task:\nAnalyze the chat history to determine the necessity of generating search queries",
    "### Task:\nYou are an autocompletion system. Continue the text in `<text>` based on the **completion type**",
    "\n### Task: You are a title generator.\n",
]
OTHERS = [
    "Please generate a four to five word title summarizing our conversation without any lead-in, punctuation",
    "Summarize the discussion briefly in 200 words or less to use as a prompt for future context.",
    "Provide a concise, 5-word-or-less title for the conversation, using title case conventions. Only return",
    "Analyze this conversation and provide:\n1. The detected language of the conversation\n2. A concise title",
    "Write a concise title for this conversation",
    "Please generate a concise title (max 40 characters) for a conversation that starts with:\nUser: a",
    "Generate a concise, 5-word-or-less title for the following user prompt.",
    "Given the following conversation and a follow up question, rephrase the follow up question to be standalone",
]
SYSTEMS = [
    "You are a summarization AI. You'll never answer a user's question directly, but instead summarize it",
    "You are a chat thread titling assistant. Goal: Produce a very short, descriptive title",
    "You are a title generator.",
]
PEOPLE = [
    "How do I generate a title for a conversation?",
    "What is the title of the valve manual?",
    "Which tags does a message have?",
    "Write the name of the pump.",
    "Provide the pressure of the valve",
    "What are you?",
    "You are wrong, the title of the manual is another.",
    "Who gives a discussion its title?",
    "Give me the part number and the title of chapter 3.",
    "Is there a task list in the manual?",
    "Summarize the warranty terms.",
]


@pytest.mark.parametrize("prompt", [*OPEN_WEBUI, *OTHERS])
def test_what_a_chat_ui_asks_for_itself_is_known(prompt):
    assert is_ui_task(prompt)


@pytest.mark.parametrize("system", SYSTEMS)
def test_it_is_known_by_its_instructions(system):
    assert is_ui_task("How high is the pressure of the valve?", system)


@pytest.mark.parametrize("question", PEOPLE)
def test_what_people_ask_is_none(question):
    assert not is_ui_task(question, "You are a helpful assistant. Answer in the conversation's language.")
