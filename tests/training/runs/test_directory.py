"""Stages that run once, and resume."""

import pytest

from retrieval.errors import NotFound
from retrieval.workspace import Workspace
from training.runs.directory import LAST_STAGE, Run, start_run, unfinished_run


def test_a_finished_stage_is_not_run_again(workspace: Workspace) -> None:
    run = start_run(workspace, {"asked": 1})
    assert run.stage("one", lambda: {"value": 1}) == {"value": 1}
    again = Run(run.directory)
    assert again.stage("one", lambda: pytest.fail("the stage ran twice")) == {"value": 1}
    assert again.request == {"asked": 1}


def test_a_stage_that_failed_runs_again(workspace: Workspace) -> None:
    run = start_run(workspace, {})

    def fail() -> dict[str, int]:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        run.stage("one", fail)
    assert not run.finished("one")
    assert run.stage("one", lambda: {"value": 2}) == {"value": 2}


def test_the_newest_unfinished_run_is_resumed(workspace: Workspace) -> None:
    done = start_run(workspace, {})
    done.stage(LAST_STAGE, dict)
    open_run = start_run(workspace, {})
    assert unfinished_run(workspace).id == open_run.id
    open_run.stage(LAST_STAGE, dict)
    with pytest.raises(NotFound, match="no unfinished run"):
        unfinished_run(workspace)


def test_an_event_line_that_a_crash_cut_is_passed_over(workspace: Workspace) -> None:
    run = start_run(workspace, {})
    run.event({"stage": "x", "loss": 1.5})
    with (run.directory / "events.jsonl").open("a") as file:
        file.write('{"stage": "x", "lo')
    assert [event["loss"] for event in run.events()] == [1.5]
