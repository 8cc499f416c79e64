"""Which prompts a chat UI sends for itself: titles, tags, follow-ups, search queries, completions while typing.

UIs send them to the model that answers. They ask nothing of the documents, so searching for them would
answer a title with a sentence of a manual.
"""

import re

_VERB = r"(?:generate|create|write|provide|give|suggest|compose|produce|propose|come up with|summari[sz]e)"
_CHAT = r"(?:conversations?|chats?|chat history|discussions?|dialog(?:ue)?s?|messages?)"
_ORDER = rf"(?:\A|[.:!\n])\s*(?:please )?{_VERB}\b[^.?\n]{{0,60}}"
_TITLE = r"\b(?:title|name|topic|tags?|follow-?up (?:questions?|prompts?))\b"
_TASKS = re.compile(
    "|".join(
        (
            r"\A\s*#{1,4} ?task\b",  # Open WebUI: title, tags, follow-ups, queries, images, autocompletion
            # NextChat, LibreChat, LobeChat, Cherry Studio and others: "Provide a concise title for the conversation"
            rf"{_ORDER}{_TITLE}[^.?\n]{{0,60}}\b{_CHAT}\b",
            rf"{_ORDER}\b{_CHAT}\b[^.?\n]{{0,60}}\b(?:title|in \d+ words)\b",
            r"\A\s*(?:please )?(?:provide|generate) a concise,? [^.?\n]{0,20}\btitle\b",
            # LibreChat: title and language at once
            r"\A\s*analy[sz]e this conversation and provide",
            # NextChat's memory
            r"\A\s*summari[sz]e the (?:discussion|conversation|chat)\b",
            # chat-ui: "You are a chat thread titling assistant"; "You are a summarization AI"
            r"\A\s*you(?:'re| are) an? [^.?\n]{0,60}"
            r"\b(?:title|titling|tagging|autocompletion|summari[sz]ation|summari[sz]er)\b",
            # Open WebUI: emoji of a message, tools chosen by prompt, several models' answers merged
            r"\A\s*your task is to reflect the speaker's likely facial expression",
            r"\A\s*available tools:[\s\S]*your task is to choose",
            r"\A\s*you have been provided with a set of responses from various models",
            # LangChain, LlamaIndex: condensing a follow-up
            r"\A\s*given (?:the following|a) conversation\b[\s\S]{0,120}\bfollow[- ]up\b",
        )
    ),
    re.IGNORECASE,
)


def is_ui_task(question: str, system: str = "") -> bool:
    """Whether a chat UI asks for itself, by its last message or by its instructions.

    A person's question about titles or tags is none: what counts is the wording that UIs are known for.
    """
    return bool(_TASKS.search(question[:2000]) or _TASKS.search(system[:2000]))
