import logging
import threading
from collections.abc import Iterator

import pytest

from retrieval.errors import Busy, CorruptRelease, NotFound, StorageError
from service import live as module
from service.live import Live, WorkspaceSource


class Source:
    """Releases of fakes; each test says what becomes active and what fails."""

    def __init__(self, make_runtime) -> None:
        self.make_runtime = make_runtime
        self.now: str | None = "r1"
        self.collections: dict[str, str] = {}
        self.failures: dict[str, list[Exception]] = {}
        self.loaded: list = []
        self.given: list = []
        self.changes = 0
        self.followed = 0

    def active(self) -> str | None:
        return self.now

    def head(self) -> int:
        return self.changes

    def synced(self, collection: str) -> int:
        return self.followed

    def read(self, release: str):
        return self.make_runtime(release, collection=self.collections.get(release, "one")).release

    def load(self, release, index):
        if failures := self.failures.get(release.id):
            raise failures.pop(0)
        self.given.append(index)
        runtime = self.make_runtime(release.id, collection=release.manifest.collection, index=index)
        self.loaded.append(runtime)
        return runtime

    def follow(self, runtime, progress) -> int:
        progress("indexing", 0, 1)
        added = self.changes - self.followed
        self.followed = self.changes
        return added


@pytest.fixture
def source(make_runtime) -> Source:
    return Source(make_runtime)


@pytest.fixture
def live(source) -> Iterator[Live]:
    """Its thread sleeps: tests call ``check`` themselves."""
    held = Live(source, poll_seconds=3600, patience=0)
    held.start()
    yield held
    held.close()


def test_a_request_keeps_its_release_and_the_next_gets_the_new_one(live, source):
    with live.use() as before:
        source.now = "r2"
        live.check()
        assert before.release.id == "r1"
        assert not before.closed
        with live.use() as after:
            assert after.release.id == "r2"
    live.check()
    assert before.closed
    assert not after.closed


def test_the_last_of_several_requests_closes_the_old_release(live, source):
    leases = [live.lease() for _ in range(3)]
    source.now = "r2"
    live.check()
    for lease in leases:
        assert not lease.runtime.closed
        lease.close()
        lease.close()  # a second time counts for nothing
    live.check()
    assert leases[0].runtime.closed


def test_an_unused_release_is_closed_at_the_swap(live, source):
    source.now = "r2"
    live.check()
    assert [runtime.closed for runtime in source.loaded] == [True, False]


def test_releases_of_one_collection_share_its_index(live, source):
    source.now = "r2"
    live.check()
    first, second = source.loaded
    assert first.index is second.index
    assert second.index.closed == 0
    live.close()
    assert second.index.closed == 1


def test_another_collection_is_opened_and_the_old_one_closed(live, source):
    source.collections["r2"] = "two"
    with live.use() as old:
        source.now = "r2"
        live.check()
        assert old.index.closed == 0
    live.check()
    assert old.index.closed == 1
    assert source.loaded[1].index.closed == 0


def test_going_back_reuses_the_index_of_a_release_that_still_drains(live, source):
    source.collections["r2"] = "two"
    with live.use() as old:
        source.now = "r2"
        live.check()
        source.now = "r1"
        live.check()
        assert source.loaded[2].index is old.index
    live.check()
    assert old.closed
    assert old.index.closed == 0, "the release that answers needs it"


def test_documents_are_followed(live, source):
    source.changes = 3
    live.check()
    assert (live.status().synced, live.status().head) == (3, 3)


def test_a_release_that_cannot_be_loaded_leaves_the_old_one_answering(live, source, monkeypatch, caplog):
    monkeypatch.setattr(module, "RETRY_SECONDS", 3600.0)
    source.failures["r2"] = [CorruptRelease("release r2: weights were changed")]
    source.now = "r2"
    with caplog.at_level(logging.ERROR, "lockstep.live"):
        live.check()
        live.check()
    status = live.status()
    assert (status.release, status.active) == ("r1", "r2")
    assert "weights were changed" in str(status.problem)
    assert len(caplog.records) == 1, "told once, not at every poll"
    source.changes = 1
    live.check()
    assert live.status().synced == 1, "the old release goes on following"
    source.now = "r1"
    live.check()
    assert live.status().problem is None


def test_a_repaired_release_is_taken_over_later(live, source, monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
    source.failures["r2"] = [RuntimeError("out of memory")]
    source.now = "r2"
    live.check()
    assert "RuntimeError: out of memory" in str(live.status().problem)
    live.check()
    assert (live.status().release, live.status().problem) == ("r2", None)


def test_a_collection_that_the_promoting_process_still_holds_is_tried_at_the_next_look(live, source):
    source.failures["r2"] = [Busy("held"), Busy("held")]
    source.now = "r2"
    live.check()
    live.check()
    assert live.status().release == "r1"
    live.check()
    assert live.status().release == "r2"


def test_a_release_whose_documents_cannot_follow_is_not_taken_over(live, source, monkeypatch):
    source.now = "r2"
    monkeypatch.setattr(source, "follow", lambda runtime, progress: (_ for _ in ()).throw(StorageError("disk full")))
    with pytest.raises(StorageError):
        live.check()  # the thread would report it
    assert live.status().release == "r1"
    assert [runtime.closed for runtime in source.loaded] == [False, True]
    assert source.loaded[0].index.closed == 0


def test_following_gives_way_to_a_promotion(live, source, monkeypatch):
    live._poll_seconds = 0.0
    rounds = []

    def follow(runtime, progress) -> int:
        rounds.append(runtime.release.id)
        source.now = "r2"
        for done in range(1000):
            progress("indexing", done, 1000)
        raise AssertionError("was not interrupted")

    monkeypatch.setattr(source, "follow", follow)
    live.check()
    assert rounds == ["r1"]


def test_the_start_waits_for_an_index_that_is_held_for_a_moment(source):
    source.failures["r1"] = [Busy("held")]
    live = Live(source, poll_seconds=0.001, patience=60)
    live.start()
    assert live.status().release == "r1"
    live.close()


def test_the_start_fails_where_the_index_stays_held(source):
    source.failures["r1"] = [Busy("held")] * 3
    with pytest.raises(Busy):
        Live(source, patience=0).start()


def test_the_start_needs_a_release(source):
    source.now = None
    with pytest.raises(NotFound, match="lockstep ingest"):
        Live(source).start()


def test_before_the_start_and_after_the_end_nothing_answers(source):
    live = Live(source, poll_seconds=3600)
    with pytest.raises(StorageError):
        live.lease()
    live.start()
    lease = live.lease()
    live.close()
    assert lease.runtime.closed
    lease.close()
    with pytest.raises(StorageError):
        live.lease()


def test_the_thread_follows_by_itself_and_survives_surprises(source, caplog):
    live = Live(source, poll_seconds=0.001)
    live.start()
    seen = threading.Event()
    head = source.head

    def broken() -> str:
        seen.set()
        raise RuntimeError("the catalog is on fire")

    source.active = broken
    assert seen.wait(30)
    source.active = lambda: "r2"
    loaded = threading.Event()
    load = source.load

    def load_and_tell(release, index):
        try:
            return load(release, index)
        finally:
            loaded.set()

    source.load = load_and_tell
    live.refresh()
    assert loaded.wait(30)
    live.close()
    assert source.loaded[-1].release.id == "r2"
    assert "the catalog is on fire" in caplog.text
    assert head() == 0


def test_no_request_mixes_releases_under_swaps(source):
    """Invariant 1: threads use whatever answers while releases change all the time."""
    source.collections = {f"r{i}": f"c{i % 3}" for i in range(50)}
    live = Live(source, poll_seconds=3600)
    live.start()
    stop, faults, served, told = threading.Event(), [], set(), threading.Condition()

    def request() -> None:
        while not stop.is_set():
            with live.use() as runtime:
                release = runtime.release.id
                with told:
                    served.add(release)
                    told.notify()
                parts = {runtime.answerer.release, runtime.release.id}
                answer = runtime.answerer.answer("How high?")
                if parts != {release} or answer.release != release or runtime.closed or runtime.index.closed:
                    faults.append((release, parts, runtime.closed, runtime.index.closed))

    threads = [threading.Thread(target=request) for _ in range(6)]
    for thread in threads:
        thread.start()
    for i in range(1, 50):
        source.now = f"r{i}"
        live.check()
        if i % 5 == 0:  # not after each, so that several swaps fall into one request, too
            with told:
                assert told.wait_for(lambda wanted=f"r{i}": wanted in served, 60)
    stop.set()
    for thread in threads:
        thread.join()
    live.check()
    assert faults == []
    assert len(served) >= 10
    assert [runtime.closed for runtime in source.loaded] == [True] * 48 + [False]
    live.close()
    assert {runtime.index.closed for runtime in source.loaded} == {1}, "each index was closed exactly once"


# With real releases


@pytest.fixture
def real(site, tiny_embedders, tiny_generator, folder):
    """Two releases of different embedders and abstentions; the service answers with the first."""
    site.ingest(tiny_embedders[0], folder({"valve.md": "The valve opens at 12 bar."}))
    releases = [
        site.release(path, tiny_generator, abstention=f"Embedder {number} knows nothing.", abstain_below=1.0)
        for number, path in enumerate(tiny_embedders)
    ]
    site.promote(releases[0])
    live = Live(WorkspaceSource(site.workspace, site.catalog, site.ledger, site.index), poll_seconds=3600)
    live.start()
    yield live, releases
    live.close()


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_promotion_is_taken_over_and_an_ingest_followed(real, site, tiny_embedders, folder):
    live, (first, second) = real
    with live.use() as old:
        site.promote(second)
        live.check()
        with live.use() as new:
            assert new.embedder.fingerprint == second.manifest.embedder.fingerprint
            assert new.index.embedder == new.embedder.fingerprint
            assert new.answerer.answer("valve").text == "Embedder 1 knows nothing."
        answer = old.answerer.answer("valve")
        assert (answer.release, answer.text) == (first.id, "Embedder 0 knows nothing.")
        assert old.index.embedder == first.manifest.embedder.fingerprint

    site.ingest(tiny_embedders[1], folder({"valve.md": "The valve opens at 15 bar.", "hose.md": "The hose is blue."}))
    live.check()
    with live.use() as runtime:
        texts = {passage.text for passage in runtime.searcher.search("valve hose")}
    assert texts == {"The valve opens at 15 bar.", "The hose is blue."}

    site.promote(first)  # its collection has been let go, and follows again
    live.check()
    with live.use() as runtime:
        assert runtime.release.id == first.id
        assert len(runtime.searcher.search("valve hose")) == 2


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("broken", ["note.txt", "manifest.json"])
def test_a_release_with_a_changed_byte_is_not_taken_over(real, site, broken):
    live, (first, second) = real
    path = second.directory / broken
    path.write_bytes(path.read_bytes().replace(b"r", b"R", 1))
    site.ledger.activate(second.id, "promote")  # behind the back of `promote`, which would refuse
    live.check()
    assert live.status().release == first.id
    assert broken in str(live.status().problem)
    with live.use() as runtime:
        assert len(runtime.searcher.search("valve")) == 1, "its index is still open"


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_generator_that_cannot_be_loaded_does_not_close_the_shared_index(
    real, site, tiny_embedders, tiny_generator, tmp_path
):
    live, (first, _) = real
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in tiny_generator.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    third = site.release(tiny_embedders[0], broken, abstention="?")
    (broken / "model.safetensors").write_bytes(b"junk")
    site.ledger.activate(third.id, "promote")
    live.check()
    assert live.status().release == first.id
    assert "generator" in str(live.status().problem)
    with live.use() as runtime:
        assert len(runtime.searcher.search("valve")) == 1
