"""``POST /v1/chat/completions``: answers from the documents of the active release."""

import json
import secrets
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Receive, Scope, Send

from retrieval.errors import LockstepError
from service.http.answers import ChatCompletion, Facts, Message, Usage, described
from service.http.completion import Completion, Options
from service.http.conversation import read_conversation
from service.http.documents import document_url
from service.http.facts import Link, annotations, citations_json, passages_json
from service.http.frame import told_of
from service.http.models import BASE, check_chat_model, task_of
from service.http.problems import Problem, known_problem
from service.http.schemas import ChatRequest
from service.http.shared import live_of, rooms_of, while_there
from service.http.tasks import is_ui_task
from training.answering.answerer import Answer

router = APIRouter()


@router.post("/v1/chat/completions", response_model=None, responses=described(ChatCompletion, streamed=True))
async def create_chat_completion(request: Request, body: ChatRequest) -> Response:
    """Answer the last user message: from the documents, or what a chat UI asks for itself without them."""
    conversation = read_conversation(body.messages)
    retrieval = body.model != BASE and not is_ui_task(conversation.question, conversation.system)
    rooms = rooms_of(request)
    completion = Completion(live_of(request).lease(), retrieval=retrieval, task=task_of(body.model))
    link = partial(document_url, request)
    told = told_of(request)
    told.release, told.question, told.tokens = completion.runtime.release.id, conversation.question, completion.tokens
    options = Options(body.new_tokens, body.temperature or 0.0, tuple(body.stop or ()), body.sampling)
    try:
        check_chat_model(body.model, completion.runtime)
        completion.entry = rooms.answers.enter()
        await while_there(request, completion.start(conversation, options, searching=rooms.searching))
        completion.ignored += tuple(name for name in ("tools", "functions") if getattr(body, name))
        head = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": BASE if body.model == BASE else completion.runtime.release.id,
        }
        if body.stream:
            include_usage = body.stream_options is not None and body.stream_options.include_usage
            return _Stream(_events(completion, head, link, include_usage=include_usage), completion)
        answer = await while_there(request, completion.whole())
    except BaseException:
        completion.close()
        raise
    completion.close()
    return JSONResponse(_chat_completion(completion, answer, head, link))


class _Stream(StreamingResponse):
    """Closes the completion at the end, also where the client went away before the first byte."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes], completion: Completion) -> None:
        super().__init__(events, headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        self._completion = completion

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._completion.close()


async def _events(
    completion: Completion, head: dict[str, Any], link: Link, *, include_usage: bool
) -> AsyncIterator[bytes]:
    head = head | {"object": "chat.completion.chunk"}
    usage: dict[str, Any] = {"usage": None} if include_usage else {}

    def chunk(delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return _event(head | {"choices": [choice]} | usage | more)

    try:
        yield chunk({"role": "assistant", "content": ""})
        async for piece in completion.pieces():
            yield chunk({"content": piece})
        answer = completion.answer
        assert answer is not None
        facts = _facts(completion, answer, link)
        yield chunk({"annotations": annotations(answer, link)}, _finish_reason(answer), lockstep=facts)
        if include_usage:
            yield _event(head | {"choices": [], "usage": _usage(completion)})
        yield format_sse_event(data_str="[DONE]")
    except (LockstepError, Problem) as error:
        # The status has been sent; OpenAI's client raises what an event tells.
        yield _event(known_problem(error)[1])


def _event(value: dict[str, Any]) -> bytes:
    return format_sse_event(data_str=json.dumps(value, ensure_ascii=False))


def _chat_completion(completion: Completion, answer: Answer, head: dict[str, Any], link: Link) -> ChatCompletion:
    message: Message = {
        "role": "assistant",
        "content": answer.text,
        "refusal": None,
        "annotations": annotations(answer, link),
    }
    return {
        "id": head["id"],
        "object": "chat.completion",
        "created": head["created"],
        "model": head["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": _finish_reason(answer), "logprobs": None}],
        "usage": _usage(completion),
        "lockstep": _facts(completion, answer, link),
    }


def _facts(completion: Completion, answer: Answer, link: Link) -> Facts:
    """What only Lockstep tells: the release, what was asked of the index, whether it abstained, what it read."""
    return {
        "release": answer.release,
        "question": completion.question,
        "abstained": answer.abstained,
        "citations": citations_json(answer, link),
        "passages": passages_json(answer.passages, link),
        "ignored": list(completion.ignored),
    }


def _finish_reason(answer: Answer) -> Literal["stop", "length"]:
    return "length" if answer.finish_reason == "length" else "stop"


def _usage(completion: Completion) -> Usage:
    usage = completion.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
