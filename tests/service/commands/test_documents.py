"""`lockstep documents`, and what ingest, doctor, ask and search tell of files that are not answered from."""

import json
import shutil

import pytest

from retrieval.catalog import Catalog
from service.commands.main import main

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

FILES = {
    "valve.md": "# Valve\n\nThe valve opens at 12 bar.",
    "rows.jsonl": '{"id": "r1", "text": "The hose is blue."}\n{"id": "r2", "text": "The tank is red."}',
}


@pytest.fixture
def run(capfd):
    """Run a command: exit status, stdout, stderr."""

    def call(*arguments):
        status = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def run_json(run):
    def call(*arguments):
        status, out, _ = run(*arguments, "--json")
        return status, json.loads(out)

    return call


@pytest.fixture
def place(tmp_path, tiny_embedders, tiny_generator):
    """A workspace of tiny models."""
    root = tmp_path / "place"
    root.mkdir()
    (root / "lockstep.toml").write_text(
        f'[embedder]\nmodel = "{tiny_embedders[0]}"\n[generator]\nmodel = "{tiny_generator}"\nmax_new_tokens = 4\n'
    )
    return root


def checks(run_json, place):
    """Doctor's findings of the workspace by name."""
    _, value = run_json("doctor", "-w", place)
    return {check["name"]: check for check in value["checks"]}


def test_list_show_and_remove(run, run_json, place, folder):
    assert run("documents", "list", "-w", place)[1].startswith("No documents yet")
    documents = folder(FILES)
    run_json("ingest", documents, "-w", place)
    status, value = run_json("documents", "list", "-w", place)
    assert status == 0
    assert [(one["id"], one["title"], one["chunks"]) for one in value["documents"]] == [
        ("r1", "", 1),
        ("r2", "", 1),
        ("valve.md", "Valve", 1),
    ]
    assert value["documents"][2]["source"] == str(documents / "valve.md")
    assert value["documents"][2]["at"].endswith("Z")
    assert "valve.md" in run("documents", "list", "-w", place)[1]

    _, shown = run_json("documents", "show", "valve.md", "-w", place)
    assert [one["id"] for one in shown["chunks"]] == ["valve.md#0"]
    assert "12 bar" in shown["chunks"][0]["text"]
    assert "text" not in shown
    _, shown = run_json("documents", "show", "valve.md", "--text", "-w", place)
    assert shown["text"] == FILES["valve.md"]
    assert "12 bar" in run("documents", "show", "valve.md", "-w", place)[1]
    status, error = run_json("documents", "show", "none.md", "-w", place)
    assert (status, error["error"]["code"]) == (1, "not_found")

    status, out, _ = run("documents", "rm", "valve.md", "r2", "-w", place)
    assert (status, "the next ingest" in out) == (0, True)
    found = {one["document_id"] for one in run_json("search", "valve tank", "-w", place)[1]["passages"]}
    assert found == {"r1"}
    assert checks(run_json, place)["index"]["detail"] == "1 chunks, as in the catalog"
    status, error = run_json("documents", "rm", "r1", "none.md", "-w", place)
    assert (status, error["error"]["code"]) == (1, "not_found")
    assert len(run_json("documents", "list", "-w", place)[1]["documents"]) == 1, "all or none"

    _, value = run_json("documents", "rm", "--under", documents, "-w", place)
    assert value == {"removed": ["r1"], "still_there": [str(documents / "rows.jsonl")]}
    assert run_json("documents", "rm", "-w", place)[0] == 2
    assert run_json("ingest", documents, "-w", place)[1]["documents"]["added"] == 3


def test_an_empty_workspace_says_so(run, run_json, place, folder):
    run_json("init", "-w", place)
    for command in ("ask", "search"):
        status, value = run_json(command, "anything", "-w", place)
        assert (status, value["error"]["code"]) == (1, "not_found")
        assert "found no documents" in value["error"]["message"]
        assert run(command, "anything", "-w", place)[2].count("\n") == 1


def test_what_was_not_taken_is_summed_up_and_listed(run, run_json, place, folder):
    documents = folder({**FILES, "a.png": "x", "b.png": "x", ".git/c.md": "x", "odd.xyz": "x", "drafts/d.md": "x"})
    status, out, err = run("ingest", documents, "--exclude", "drafts/", "-w", place)
    assert status == 1
    assert err.count("not taken") == 1
    assert "passed over: 2 × .png: image" in out
    assert "documents failed" in out
    (documents / "odd.xyz").unlink()
    (documents / ".lockstepignore").write_text("drafts/")
    status, value = run_json("ingest", documents, "-w", place)
    assert status == 0
    assert value["skipped"] == {".png: image": 2, "its name begins with a dot": 1, "ignored by .lockstepignore": 1}
    _, failed = run_json("documents", "failed", "-w", place)
    assert failed["counts"] == {"refused": {}, "skipped": value["skipped"], "warned": {}}
    assert {"path": str(documents / "drafts"), "reason": "ignored by .lockstepignore"} in failed["skipped"]
    assert "2   .png: image" in run("documents", "failed", "-w", place)[1]
    assert run_json("ingest", documents, "--include", "!", "-w", place)[0] == 2


def test_the_doctor_compares_disk_and_catalog(run, run_json, place, folder):
    documents = folder({**FILES, "hose.md": "The hose.", "tank.md": "The tank."})
    run_json("ingest", documents, "-w", place)
    assert checks(run_json, place)["documents"]["state"] == "ok"
    (documents / "valve.md").unlink()
    (documents / "new.md").write_text("New.")
    (documents / ".lockstepignore").write_text("tank.md")
    found = checks(run_json, place)
    assert "documents" not in found
    assert (found["new files"]["state"], found["gone files"]["state"]) == ("note", "note")
    assert str(documents / "new.md") in found["new files"]["detail"]
    assert str(documents / "valve.md") in found["gone files"]["detail"]
    assert str(documents / "tank.md") in found["ignored files"]["detail"]
    _, _, err = run("ingest", documents, "-w", place)
    assert "gone: " in err
    assert "valve.md is no longer there" in err
    (documents / "odd.xyz").write_text("x")
    run("ingest", documents, "--prune", "-w", place)
    found = checks(run_json, place)
    assert found["refused files"]["state"] == "wrong"
    assert "odd.xyz" in found["refused files"]["detail"]
    assert not {"new files", "gone files", "ignored files"} & found.keys()


def test_the_doctor_sees_a_lost_catalog(run, run_json, place, folder):
    documents = folder(FILES)
    run_json("ingest", documents, "-w", place)
    for path in (place / ".lockstep").glob("catalog.db*"):
        path.unlink()
    for state in ("is not there", "is empty"):
        if state == "is empty":
            _, _, err = run("documents", "list", "-w", place)
            assert "warning: found no" in err
            assert run("documents", "list", "-w", place)[2] == ""
        status, value = run_json("doctor", "-w", place)
        (finding,) = [check for check in value["checks"] if check["name"] == "catalog"]
        assert (status, finding["state"]) == (1, "wrong")
        assert f"{state}, but" in finding["detail"]
        assert (place / ".lockstep" / "catalog.db").exists() == (state == "is empty"), "to look makes none"
    (documents / "rows.jsonl").unlink()
    run_json("ingest", documents, "-w", place)
    assert checks(run_json, place)["index"]["detail"] == "1 chunks, as in the catalog"
    assert [one["document_id"] for one in run_json("search", "hose", "-w", place)[1]["passages"]] == ["valve.md"]


def test_a_damaged_catalog_is_told_as_such(run, run_json, place, folder):
    run_json("ingest", folder(FILES), "-w", place)
    path = place / ".lockstep" / "catalog.db"
    with Catalog(path).engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'documents'").scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(data)
    for command in (["documents", "list"], ["ingest", place.parent / "documents"]):
        status, value = run_json(*command, "-w", place)
        assert (status, value["error"]["code"]) == (1, "storage")
        assert "is damaged (database disk image is malformed)" in value["error"]["message"]
    status, value = run_json("doctor", "-w", place)
    by_name = {check["name"]: check for check in value["checks"]}
    assert (status, by_name["catalog"]["state"]) == (1, "wrong")
    assert "is damaged" in by_name["catalog"]["detail"]
    assert by_name["releases"]["state"] == "ok", "the other checks go on"
    path.write_bytes(b"x" * 9000)
    shutil.rmtree(place / ".lockstep" / "index")
    assert "is damaged" in checks(run_json, place)["catalog"]["detail"]
