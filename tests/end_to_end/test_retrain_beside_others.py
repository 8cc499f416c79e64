"""``lockstep retrain`` while others work on the same workspace."""

import threading

import pytest

from service.live import Live, WorkspaceSource

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def test_a_second_retraining_and_a_service_meanwhile(lockstep, world, commands):
    """A service answers all the time: first the old release, then the new one, never a mixture of both."""
    catalog, ledger = world.open()
    before = ledger.active()
    live = Live(WorkspaceSource(world.workspace, catalog, ledger, world.index), poll_seconds=0.05)
    live.start()
    answered: list[str] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.wait(0.05):  # else it takes one of the cores
                with live.use() as runtime:
                    manifest = runtime.release.manifest
                    assert runtime.embedder.fingerprint == runtime.index.embedder == manifest.embedder.fingerprint
                    assert runtime.index.name == manifest.collection
                    assert runtime.generator is not None
                    answer = runtime.answerer.answer("At what pressure does the heron open?")
                    assert answer.release == runtime.release.id
                    assert len(answer.passages) == manifest.search.top_k
                    answered.append(answer.release)
        except BaseException as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        commands.start(world, "retrain", "--examples", world.examples, verdict="promoted")
        while commands.next().get("finished") != "split":
            pass
        status, refused = lockstep(world, "retrain", "--examples", world.examples)
        assert set(refused) == {"error"}
        assert (status, refused["error"]["code"]) == (1, "busy")
        assert "retrain" in refused["error"]["message"]
        told = commands.finish()
        during = len(answered)
        value = next(one["value"] for one in told if "exit" in one)
        assert value["active"] == value["release"] == ledger.active()
        deadline = threading.Event()
        for _ in range(600):
            if live.status().release == value["release"] and answered and answered[-1] == value["release"]:
                break
            assert not failures, failures
            deadline.wait(0.05)
    finally:
        done.set()
        asking.join()
        live.close()
        catalog.close()
    assert not failures, failures
    assert during > 3, "the service answered while the retraining ran"
    assert set(answered) == {before, value["release"]}
    first_new = answered.index(value["release"])
    assert set(answered[:first_new]) == {before}
    assert set(answered[first_new:]) == {value["release"]}
