"""What requests may hold, in OpenAI's shapes.

A parameter that is not known is refused by name. One that is known and cannot be honoured is refused
where ignoring it would change the answer, and accepted where it would not.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core.core_schema import no_info_before_validator_function

from retrieval.conditions import CombinationType, ComparisonType

MAX_ITEMS = 2048
"""Of a list: OpenAI's bound for texts to embed, and more messages than any context holds."""
MAX_QUESTION = 32_768
"""Characters of a question to search for: more is a document."""


def _whole(value: Any) -> Any:
    """Half a character, as a client's cut through an emoji leaves it, becomes U+FFFD: no encoding has it."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _counted(value: Any) -> Any:
    """In JSON 5.0 is a whole number, too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Text = Annotated[str, BeforeValidator(_whole)]
Number = Annotated[int, BeforeValidator(_counted)]
Count = Annotated[int, Field(ge=1), BeforeValidator(_counted)]  # in this order the schema tells the bound


class Request(BaseModel):
    """A request's body. Nothing is converted: what is accepted is what /openapi.json tells."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _with_one_unknown(cls, value: Any) -> Any:
        """Of many unknown parameters one is told, so the others are not looked at."""
        if not isinstance(value, dict) or len(value) <= len(cls.model_fields):
            return value
        unknown = next(name for name in value if name not in cls.model_fields)
        return {name: value[name] for name in (*cls.model_fields, unknown) if name in value}


class TextPart(Request):
    """A part of a message's content; only text is understood."""

    type: Literal["text"]
    text: Text


_ITEMS = Field(max_length=MAX_ITEMS, fail_fast=True)
"""The first fault is told, so the others are not looked for."""


class ChatMessage(BaseModel):
    """A message of the conversation so far. Fields that clients echo (annotations, say) are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | Annotated[list[TextPart], _ITEMS] | None = None

    @field_validator("content", mode="before")
    @classmethod
    def _only_text(cls, value: Any) -> Any:
        parts = value if isinstance(value, list) else []
        if any(isinstance(part, dict) and part.get("type", "text") != "text" for part in parts):
            raise ValueError("expected parts of type text only")
        return value

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(Request):
    """What a stream tells beside the text."""

    include_usage: bool = False
    include_obfuscation: bool = False


def _listed(value: Any) -> Any:
    """One stop sequence, or up to four as OpenAI has it."""
    stops = [value] if isinstance(value, str) else value
    if isinstance(stops, list) and (len(stops) > 4 or not all(isinstance(one, str) and one for one in stops)):
        raise ValueError("expected a text, or a list of at most 4, none of them empty")
    return stops


_STOP = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 4},
        {"type": "null"},
    ]
}


class _Only:
    """Accepts a parameter only with the values that change nothing."""

    def __init__(self, *allowed: Any, reason: str = "not supported by this service") -> None:
        self._allowed, self._reason = allowed, reason

    def _check(self, value: Any) -> Any:
        if value is None or any(value == one and type(value) is type(one) for one in self._allowed):
            return value
        sent = f" or send {' or '.join(map(repr, self._allowed))}" if self._allowed else ""
        raise ValueError(f"{self._reason}; leave it out{sent}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> Any:
        return {"enum": [None, *self._allowed]}


_UNFORCED = _Only("auto", "none", reason="this service never calls a tool")


class ChatRequest(Request):
    """``POST /v1/chat/completions``. The last of the messages is the user's, and says something."""

    model: str = Field(examples=["lockstep"])
    messages: list[ChatMessage] = Field(
        min_length=1,
        max_length=MAX_ITEMS,
        fail_fast=True,
        examples=[[{"role": "user", "content": "How long is the warranty?"}]],
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    """None is 0: the service answers from documents, and the same question gets the same answer."""

    stop: Annotated[list[Text] | None, BeforeValidator(_listed), WithJsonSchema(_STOP)] = None

    # Honoured where the generator can, else reported.
    top_p: float | None = Field(default=None, ge=0, le=1)
    seed: Number | None = None
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)

    # Accepted and reported: chat UIs send tools whether or not a model calls them.
    tools: Annotated[list[dict[str, Any]], _ITEMS] | None = None
    functions: Annotated[list[dict[str, Any]], _ITEMS] | None = None

    # Known, and refused where they ask for something.
    n: Annotated[Any, _Only(1)] = None
    tool_choice: Annotated[Any, _UNFORCED] = None
    parallel_tool_calls: bool | None = None
    function_call: Annotated[Any, _UNFORCED] = None
    logprobs: Annotated[Any, _Only(False)] = None
    top_logprobs: Annotated[Any, _Only(0)] = None
    logit_bias: Annotated[Any, _Only({})] = None
    response_format: Annotated[Any, _Only({"type": "text"})] = None
    modalities: Annotated[Any, _Only(["text"])] = None
    audio: Annotated[Any, _Only()] = None
    prediction: Annotated[Any, _Only()] = None
    web_search_options: Annotated[Any, _Only()] = None

    # Known, and without influence on the answer.
    user: str | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None

    @property
    def new_tokens(self) -> int | None:
        """How long the answer may be; None leaves it to the release."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def sampling(self) -> dict[str, float]:
        """What asks for another choice of tokens than the service's own, by parameter.

        Without a temperature the likeliest token is taken: a seed and ``top_p`` are honoured as they are.
        """
        neutral = {"top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
        wanted = {name: value for name, value in ((one, getattr(self, one)) for one in neutral) if value is not None}
        changed = {name: value for name, value in wanted.items() if value != neutral[name]}
        if not self.temperature:
            changed.pop("top_p", None)
        elif self.seed is not None:
            changed["seed"] = self.seed
        return changed


def _each_whole(value: Any) -> Any:
    return list(map(_whole, value)) if isinstance(value, list) else _whole(value)


_TEXT = {"type": "string", "pattern": r"\S"}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MAX_ITEMS}]}


class EmbeddingsRequest(Request):
    """``POST /v1/embeddings``.

    ``input_type`` is an addition to OpenAI's: an embedder may have different prompts for questions
    and passages.
    """

    model: str
    input: Annotated[Any, BeforeValidator(_each_whole), WithJsonSchema(_TEXTS)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Count | None = None
    user: str | None = None
    input_type: Literal["passage", "question"] = "passage"


_FILTER = {
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "type": {"enum": get_args(ComparisonType)},
                "key": {"type": "string", "minLength": 1},
                "value": {},
            },
            "required": ["type", "key", "value"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "type": {"enum": get_args(CombinationType)},
                "filters": {"type": "array", "items": {"type": "object"}, "minItems": 1},
            },
            "required": ["type", "filters"],
            "additionalProperties": False,
        },
        {"type": "null"},
    ]
}


class SearchRequest(Request):
    """``POST /v1/lockstep/search``."""

    question: Text = Field(pattern=r"\S", max_length=MAX_QUESTION)
    top_k: Annotated[int, Field(ge=1, le=1000), BeforeValidator(_counted)] | None = None
    filter: Annotated[dict[str, Any] | None, WithJsonSchema(_FILTER)] = None
    """A condition on documents, such as ``{"type": "eq", "key": "document_id", "value": "a.md"}``."""
