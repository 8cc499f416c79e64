"""``lockstep search`` and ``lockstep ask``: the active release, by a service that runs, or without one."""

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.common import (
    CITATION,
    HERE,
    PASSAGE,
    JsonOption,
    WorkspaceOption,
    active_runtime,
    console_of,
    opened,
    printed,
    quoted,
)
from service.commands.console import Console
from service.running import ask as ask_service

if TYPE_CHECKING:
    from service.running import RunningService

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

    def local() -> dict[str, Any]:
        with (
            opened(context, workspace, as_json) as here,
            active_runtime(here, with_generator=False, question=question) as runtime,
        ):
            passages = runtime.searcher.search(question, top_k=top_k, condition=parsed)
            return {
                "question": question,
                "release": runtime.release.id,
                "passages": printed(passages, PASSAGE),
            }

    def remote(service: "RunningService") -> dict[str, Any]:
        body = {"question": question, "top_k": top_k, "filter": json.loads(condition) if condition else None}
        answer = ask_service(service, "/v1/lockstep/search", body)
        told = {name: answer[name] for name in ("question", "release")}
        return told | {"passages": printed(answer["passages"], PASSAGE)}

    console = console_of(context, as_json)
    value = _answered(workspace, local, remote)
    console.finish(value, lambda: _show_passages(console, value))


def ask(
    context: typer.Context,
    question: QuestionArgument,
    task: Annotated[
        str | None, typer.Option("--task", metavar="NAME", help="A task of the release, such as a classification.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the documents, with citations; or do with it what a task asks for."""
    _refuse_empty(question)

    def local() -> dict[str, Any]:
        from training.tasks.files import find_task

        with (
            opened(context, workspace, as_json) as here,
            active_runtime(here, with_generator=True, question=question, requests=1) as runtime,
        ):
            if task is not None:
                find_task(task, runtime.answerer.tasks, f"release {runtime.release.id}")
            answer = runtime.answerer.answer(question, task)
            return {
                "answer": answer.text,
                "abstained": answer.abstained,
                "citations": printed(answer.citations, CITATION),
                "passages": printed(answer.passages, PASSAGE),
                "release": answer.release,
                "finish_reason": answer.finish_reason,
            }

    def remote(service: "RunningService") -> dict[str, Any]:
        model = "lockstep" if task is None else f"lockstep:{task}"
        body = {"model": model, "messages": [{"role": "user", "content": question}]}
        completion = ask_service(service, "/v1/chat/completions", body)
        (choice,), facts = completion["choices"], completion["lockstep"]
        return {
            "answer": choice["message"]["content"],
            "abstained": facts["abstained"],
            "citations": printed(facts["citations"], CITATION),
            "passages": printed(facts["passages"], PASSAGE),
            "release": facts["release"],
            "finish_reason": choice["finish_reason"],
        }

    console = console_of(context, as_json)
    value = _answered(workspace, local, remote)
    console.finish(value, lambda: _show_answer(console, value))


def _answered(
    directory: Path, local: Callable[[], dict[str, Any]], remote: Callable[["RunningService"], dict[str, Any]]
) -> dict[str, Any]:
    """What a running service of the workspace answers, its models loaded already; else what this process does."""
    from retrieval.workspace import Workspace
    from service.running import running_service

    service = running_service(Workspace(directory))
    return local() if service is None else remote(service)


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


def _show_passages(console: Console, value: dict[str, Any]) -> None:
    if not value["passages"]:
        console.write("Found nothing.")
        return
    rows = [
        (str(one["rank"]), f"{one['similarity']:.3f}", one["chunk_id"], textwrap.shorten(one["text"], 160))
        for one in value["passages"]
    ]
    console.table(("#", "cosine", "chunk", "text"), rows)
    console.write(f"release {value['release']}")


def _show_answer(console: Console, value: dict[str, Any]) -> None:
    console.write(value["answer"])
    if value["finish_reason"] == "length":
        console.warn("the answer was cut at its token limit: raise max_new_tokens under [generator]")
    if value["citations"]:
        console.write()
    for citation in value["citations"]:
        console.write(f"  {citation['chunk_id']}: {quoted(citation['quote'])}")
    console.note(f"release {value['release']}")
