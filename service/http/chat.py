"""``POST /v1/chat/completions``: answers from the documents of the active release."""

import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Receive, Scope, Send

from retrieval.errors import LockstepError
from retrieval.prompt import cited_marks
from service.http.completion import Completion, Options
from service.http.conversation import read_conversation
from service.http.models import BASE, check_chat_model
from service.http.problems import Problem, known_problem
from service.http.schemas import ChatRequest
from service.http.shared import live_of, rooms_of, while_there
from service.http.tasks import is_ui_task
from training.answering.answerer import Answer

router = APIRouter()
_MARK = re.compile(r"\[(\d{1,3})\]")


@router.post("/v1/chat/completions", response_model=None)
async def create_chat_completion(request: Request, body: ChatRequest) -> Response:
    """Answer the last user message: from the documents, or what a chat UI asks for itself without them."""
    conversation = read_conversation(body.messages)
    retrieval = body.model != BASE and not is_ui_task(conversation.question, conversation.system)
    rooms = rooms_of(request)
    completion = Completion(live_of(request).lease(), retrieval=retrieval)
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
            return _Stream(_events(completion, head, include_usage=include_usage), completion)
        answer = await while_there(request, completion.whole())
    except BaseException:
        completion.close()
        raise
    completion.close()
    return JSONResponse(_chat_completion(completion, answer, head))


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


async def _events(completion: Completion, head: dict[str, Any], *, include_usage: bool) -> AsyncIterator[bytes]:
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
        facts = lockstep_facts(completion, answer)
        yield chunk({"annotations": annotations(answer)}, _finish_reason(answer), lockstep=facts)
        if include_usage:
            yield _event(head | {"choices": [], "usage": _usage(completion)})
        yield format_sse_event(data_str="[DONE]")
    except (LockstepError, Problem) as error:
        # The status has been sent; OpenAI's client raises what an event tells.
        yield _event(known_problem(error)[1])


def _event(value: dict[str, Any]) -> bytes:
    return format_sse_event(data_str=json.dumps(value, ensure_ascii=False))


def _chat_completion(completion: Completion, answer: Answer, head: dict[str, Any]) -> dict[str, Any]:
    message = {
        "role": "assistant",
        "content": answer.text,
        "refusal": None,
        "annotations": annotations(answer),
    }
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(answer), "logprobs": None}
    facts = lockstep_facts(completion, answer)
    return head | {
        "object": "chat.completion",
        "choices": [choice],
        "usage": _usage(completion),
        "lockstep": facts,
    }


def annotations(answer: Answer) -> list[dict[str, Any]]:
    """The citations where they stand in the text, in the form of OpenAI's assistants."""
    shown = len(answer.passages)
    by_mark = dict(zip(cited_marks(answer.text, shown), answer.citations, strict=False))
    return [
        {
            "type": "file_citation",
            "text": match.group(),
            "start_index": match.start(),
            "end_index": match.end(),
            "file_citation": {
                "file_id": by_mark[mark].document_id,
                "chunk_id": by_mark[mark].chunk_id,
                "quote": by_mark[mark].quote,
            },
        }
        for match in _MARK.finditer(answer.text)
        if (mark := int(match.group(1))) in by_mark
    ]


def lockstep_facts(completion: Completion, answer: Answer) -> dict[str, Any]:
    """What only Lockstep tells: the release, what was asked of the index, whether it abstained, what it read."""
    return {
        "release": answer.release,
        "question": completion.question,
        "abstained": answer.abstained,
        "citations": [
            {"document_id": one.document_id, "chunk_id": one.chunk_id, "quote": one.quote} for one in answer.citations
        ],
        "passages": [
            {
                "document_id": one.document_id,
                "chunk_id": one.chunk_id,
                "text": one.text,
                "score": one.score,
                "similarity": one.similarity,
                "rank": one.rank,
            }
            for one in answer.passages
        ],
        "ignored": list(completion.ignored),
    }


def _finish_reason(answer: Answer) -> str:
    return "length" if answer.finish_reason == "length" else "stop"


def _usage(completion: Completion) -> dict[str, int]:
    usage = completion.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
