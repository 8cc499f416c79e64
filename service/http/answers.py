"""What answers hold, in OpenAI's shapes, as /openapi.json describes them. Nothing checks it while requests run."""

from typing import Any, Literal

from typing_extensions import TypedDict  # pydantic reads typing's own from Python 3.12 on only

Responses = dict[int | str, dict[str, Any]]


class Failure(TypedDict):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class Refused(TypedDict):
    """An error."""

    error: Failure


class Model(TypedDict):
    """A name that a client may ask for."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(TypedDict):
    """All of them."""

    object: Literal["list"]
    data: list[Model]


class Passage(TypedDict):
    """A chunk that a search returned."""

    document_id: str
    chunk_id: str
    title: str
    url: str
    text: str
    score: float
    similarity: float | None
    rank: int


class Found(TypedDict):
    """What a search found."""

    object: Literal["lockstep.search"]
    question: str
    release: str
    passages: list[Passage]


class Citation(TypedDict):
    """A passage that an answer cites."""

    document_id: str
    chunk_id: str
    title: str
    url: str
    quote: str


class UrlCitation(TypedDict):
    """Where a citation stands in the text, and where it leads."""

    start_index: int
    end_index: int
    title: str
    url: str


class Annotation(TypedDict):
    """A citation as OpenAI's chat completions have it."""

    type: Literal["url_citation"]
    url_citation: UrlCitation


class Message(TypedDict):
    """The answer's text."""

    role: Literal["assistant"]
    content: str
    refusal: None
    annotations: list[Annotation]


class Choice(TypedDict):
    """The one answer."""

    index: int
    message: Message
    finish_reason: Literal["stop", "length"]
    logprobs: None


class Usage(TypedDict):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Facts(TypedDict):
    """What only Lockstep tells: the release, what was asked of the index, whether it abstained, what it read."""

    release: str
    question: str | None
    abstained: bool
    citations: list[Citation]
    passages: list[Passage]
    ignored: list[str]


class ChatCompletion(TypedDict):
    """An answer."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    lockstep: Facts


class Embedding(TypedDict):
    """A vector: numbers, or little-endian float32 in base64."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(TypedDict):
    """Tokens read."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(TypedDict):
    """Vectors, in the order of their texts."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage


class Alive(TypedDict):
    """The process answers."""

    status: Literal["alive"]


class Ready(TypedDict):
    """Whether a release answers, and whether it is the one that should."""

    status: Literal["ready", "not_ready"]
    release: str | None
    active: str | None
    synced: int
    head: int
    problem: str | None


REFUSALS: Responses = {
    number: {"description": text, "model": Refused}
    for number, text in (("4XX", "What the client can mend."), ("5XX", "What it cannot."))
}


def described(answer: Any, *, streamed: bool = False) -> Responses:
    """What a route answers with 200, as JSON and, where that is so, as a stream of events."""
    event = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
    streams = {"content": {"text/event-stream": {"itemSchema": event}}} if streamed else {}  # as OpenAPI 3.2 says it
    return {200: {"description": str(answer.__doc__), "model": answer, **streams}}


def text(media_type: str, description: str) -> Responses:
    """What a route answers with 200 that is no JSON; for one whose ``response_class`` is plain."""
    return {200: {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}}
