"""``lockstep doctor``: looks for what is wrong and says what to do."""

import typer

from service.commands.common import HERE, JsonOption, WorkspaceOption, console_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(context: typer.Context, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> int:
    """Check the installation and the workspace; exit with 1 if something is wrong."""
    from service.commands.diagnosis import examine

    console = console_of(context, as_json)
    with console.progress() as progress:
        findings = examine(workspace, progress)
    wrong = sum(finding.state == "wrong" for finding in findings)
    value = {
        "healthy": wrong == 0,
        "checks": [{"name": one.name, "state": one.state, "detail": one.detail} for one in findings],
    }

    def show() -> None:
        marks = {"ok": "ok", "note": "note", "wrong": "WRONG"}
        console.table(("check", "", "found"), [(one.name, marks[one.state], one.detail) for one in findings])
        console.write("Nothing is wrong." if not wrong else f"{wrong} of {len(findings)} checks found something wrong.")

    console.finish(value, show)
    return 1 if wrong else 0
