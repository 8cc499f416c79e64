"""``lockstep search`` and ``lockstep ask``: the active release without a server."""

import json
import textwrap
from typing import Annotated, Any

import typer

from service.commands.common import (
    HERE,
    JsonOption,
    Opened,
    WorkspaceOption,
    active_runtime,
    opened,
    passage_json,
    quoted,
)

QuestionArgument = Annotated[str, typer.Argument(metavar="QUESTION", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("search")(search)
    app.command("ask")(ask)


def search(
    context: typer.Context,
    question: QuestionArgument,
    top_k: Annotated[int | None, typer.Option("--top-k", "-k", min=1, max=1000, help="How many passages.")] = None,
    condition: Annotated[
        str | None,
        typer.Option("--filter", metavar="JSON", help='Such as {"type":"eq","key":"document_id","value":"a.md"}.'),
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show the passages that the active release finds."""
    _refuse_empty(question)
    parsed = _condition(condition)
    with (
        opened(context, workspace, as_json) as here,
        active_runtime(here, with_generator=False, question=question) as runtime,
    ):
        passages = runtime.searcher.search(question, top_k=top_k, condition=parsed)
        value = {
            "question": question,
            "release": runtime.release.id,
            "passages": [passage_json(passage) for passage in passages],
        }
        here.console.finish(value, lambda: _show_passages(here, value))


def ask(
    context: typer.Context,
    question: QuestionArgument,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the documents, with citations."""
    _refuse_empty(question)
    with (
        opened(context, workspace, as_json) as here,
        active_runtime(here, with_generator=True, question=question) as runtime,
    ):
        answer = runtime.answerer.answer(question)
        value = {
            "answer": answer.text,
            "abstained": answer.abstained,
            "citations": [
                {"document_id": one.document_id, "chunk_id": one.chunk_id, "quote": one.quote}
                for one in answer.citations
            ],
            "passages": [passage_json(passage) for passage in answer.passages],
            "release": answer.release,
            "finish_reason": answer.finish_reason,
        }
        here.console.finish(value, lambda: _show_answer(here, value))


def _refuse_empty(question: str) -> None:
    if not question.strip():
        raise typer.BadParameter("found an empty question, expected text")


def _condition(text: str | None) -> Any:
    if text is None:
        return None
    from retrieval.conditions import parse_condition

    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(f"--filter: found text that is not JSON ({error}), expected a condition") from error
    return parse_condition(value)


def _show_passages(here: Opened, value: dict[str, Any]) -> None:
    if not value["passages"]:
        here.console.write("Found nothing.")
        return
    rows = [
        (str(one["rank"]), f"{one['similarity']:.3f}", one["chunk_id"], textwrap.shorten(one["text"], 160))
        for one in value["passages"]
    ]
    here.console.table(("#", "cosine", "chunk", "text"), rows)
    here.console.write(f"release {value['release']}")


def _show_answer(here: Opened, value: dict[str, Any]) -> None:
    here.console.write(value["answer"])
    if value["finish_reason"] == "length":
        here.console.warn("the answer was cut at its token limit: raise max_new_tokens under [generator]")
    if value["citations"]:
        here.console.write()
    for citation in value["citations"]:
        here.console.write(f"  {citation['chunk_id']}: {quoted(citation['quote'])}")
    here.console.note(f"release {value['release']}")
