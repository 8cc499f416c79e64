"""The command line as a user meets it: streams, exit statuses, and the whole way from init to ask."""

import subprocess
import sys

import pytest

from retrieval.errors import Busy, InputError
from retrieval.workspace import Workspace
from service.commands.common import quoted
from service.running import announced

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


FILES = {
    "valve.md": "# Valve\n\nThe valve opens at 12 bar.",
    "hose.md": "# Hose\n\nThe hose is blue and 3 m long.",
    "pump.txt": "The pump runs at 30 rpm.",
}


def test_help_imports_nothing_heavy():
    program = (
        "import sys; from service.commands.main import main; main(['--help'])\n"
        "heavy = {'torch', 'transformers', 'sqlalchemy', 'rich', 'numpy', 'fastapi'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for command_name in (
        "init",
        "ingest",
        "search",
        "ask",
        "dataset",
        "evaluate",
        "retrain",
        "releases",
        "serve",
        "demo",
        "doctor",
    ):
        assert f"  {command_name}" in done.stdout


def test_the_version_is_told(run):
    from importlib.metadata import version

    assert run("--version")[:2] == (0, f"lockstep {version('lockstep')}\n")


def test_no_library_shows_a_bar_of_its_own():
    program = (
        "from service.commands.main import main; main(['--version'])\n"
        "import tqdm; list(tqdm.tqdm(range(3), desc='library'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "library" not in done.stderr


def test_faults_are_told_one_a_line_and_what_a_library_says_on_one(monkeypatch, run):
    def refuse(question):
        raise InputError("found 2 faults:\n  a.csv:1: no\nquestion\n  a.csv:2: no answer")

    monkeypatch.setattr("service.commands.questions._refuse_empty", refuse)
    status, _, err = run("ask", "why")
    assert (status, err) == (1, "lockstep: found 2 faults:\n  a.csv:1: no question\n  a.csv:2: no answer\n")


def test_without_arguments_help_is_shown(run):
    status, out, _ = run()
    assert (status, "Commands:" in out) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingst"],
        ["ingest"],
        ["search"],
        ["search", "a", "--top-k", "0"],
        ["ask", " "],
        ["releases", "show"],
        ["evaluate"],
    ],
)
def test_wrong_usage_is_2_and_one_line(run, error_of, arguments):
    status, out, err = run(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("lockstep: ")
    assert error_of(*arguments) == (2, {"message": err.removeprefix("lockstep: ").strip(), "code": "usage"})


def test_several_files_after_one_option_are_told_how(run):
    status, _, err = run("study", "--examples", "a.jsonl", "b.jsonl")
    assert (status, err.count("\n")) == (2, 1)
    assert "b.jsonl" in err
    assert "--examples before each of them" in err


def test_a_directory_that_is_no_workspace(run, error_of, tmp_path):
    status, out, err = run("releases", "list", "--workspace", tmp_path)
    assert (status, out) == (2, "")
    assert "lockstep init" in err
    assert "Traceback" not in err
    assert error_of("search", "x", "-w", tmp_path)[1]["code"] == "configuration"


def test_debug_shows_the_trace(run, tmp_path, monkeypatch):
    _, _, err = run("releases", "list", "-w", tmp_path, "--debug")
    assert "Traceback" in err
    monkeypatch.setenv("LOCKSTEP_DEBUG", "1")
    _, _, err = run("releases", "list", "-w", tmp_path)
    assert "Traceback" in err


def test_a_wrong_setting_is_2(run, place):
    (place / "lockstep.toml").write_text("[search]\ntopk = 1\n")
    status, _, err = run("doctor", "-w", place)
    assert status == 1
    status, _, err = run("search", "x", "-w", place)
    assert status == 2
    assert "did you mean `top_k`" in err


def test_a_search_before_any_ingest(error_of, place):
    status, error = error_of("search", "x", "-w", place)
    assert (status, error["code"]) == (1, "not_found")
    assert "lockstep ingest" in error["message"]


def test_an_unexpected_error_is_one_line_and_keeps_its_trace(run, error_of, place, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("boom\nin two lines")

    (place / ".lockstep").mkdir()
    monkeypatch.setattr("retrieval.catalog.Catalog", broken)
    status, out, err = run("releases", "list", "-w", place)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "unexpected ZeroDivisionError: boom in two lines" in err
    (log,) = (place / ".lockstep").glob("crash-*.log")
    assert str(log) in err
    assert "Traceback" in log.read_text()
    assert error_of("releases", "list", f"--workspace={place}")[1]["code"] == "internal"


def test_an_interrupt_is_130(run, error_of, place, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("retrieval.catalog.Catalog", interrupted)
    status, _, err = run("releases", "list", "-w", place)
    assert status == 130
    assert "Traceback" not in err
    assert error_of("releases", "list", "-w", place) == (
        130,
        {"message": "interrupted; what was acknowledged is kept", "code": "interrupted"},
    )


def test_a_reader_that_closes_the_pipe_is_no_error(place):
    program = "import sys; from service.commands.main import main; sys.exit(main(['--help']))"
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -c "{program}" | head -n 1'], capture_output=True, text=True, check=True
    )
    assert "Traceback" not in done.stderr


def test_init_makes_a_workspace_and_says_what_next(
    run, run_json, tmp_path, tiny_embedders, tiny_generator, monkeypatch
):
    monkeypatch.setenv("LOCKSTEP_EMBEDDER__MODEL", str(tiny_embedders[0]))
    monkeypatch.setenv("LOCKSTEP_GENERATOR__MODEL", str(tiny_generator))
    root = tmp_path / "new" / "place"
    status, out, _ = run("init", root)
    assert status == 0
    assert f"lockstep ingest PATH -w {root}" in out
    assert run("init", root, "-w", tmp_path / "other")[0] == 2, "two workspaces"
    assert not (tmp_path / "other").exists()
    assert "# top_k = 10" in (root / "lockstep.toml").read_text()
    (root / "lockstep.toml").write_text("[search]\ntop_k = 3\n")
    status, value = run_json("init", "--workspace", root)
    assert (status, value["created"]) == (0, False)
    assert (root / "lockstep.toml").read_text() == "[search]\ntop_k = 3\n", "what is there is not overwritten"


def test_the_whole_way(run, run_json, error_of, place, folder):
    documents = folder(FILES)
    status, value = run_json("ingest", documents, "-w", place)
    assert status == 0
    assert set(value) >= {"documents", "chunks", "seconds", "chunks_per_second"}
    assert value["documents"] == {"added": 3, "updated": 0, "unchanged": 0, "deleted": 0, "failed": []}
    assert run_json("ingest", documents, "-w", place)[1]["documents"]["unchanged"] == 3

    status, found = run_json("search", "valve", "--top-k", "2", "-w", place)
    assert (status, len(found["passages"])) == (0, 2)
    assert set(found["passages"][0]) == {"document_id", "chunk_id", "text", "score", "similarity", "rank"}
    only = '{"type": "eq", "key": "document_id", "value": "pump.txt"}'
    assert [
        one["document_id"] for one in run_json("search", "valve", "--filter", only, "-w", place)[1]["passages"]
    ] == ["pump.txt"]
    assert error_of("search", "x", "--filter", "{", "-w", place)[0] == 2
    assert error_of("search", "x", "--filter", "{}", "-w", place)[1]["code"] == "invalid_input"
    status, out, _ = run("search", "valve", "-w", place)
    assert "12 bar" in out

    status, answer = run_json("ask", "When does the valve open?", "-w", place)
    assert status == 0
    assert set(answer) == {"answer", "abstained", "citations", "passages", "release", "finish_reason"}
    assert run("ask", "When does the valve open?", "-w", place)[1].startswith(answer["answer"].splitlines()[0])

    (documents / "hose.md").unlink()
    (documents / "pump.txt").write_text("The pump runs at 60 rpm.")
    (documents / "broken.pdf").write_bytes(b"not a pdf")
    status, out, err = run("ingest", documents, "--prune", "-w", place)
    assert status == 1, "a file was not taken"
    assert "0 added, 1 updated, 1 unchanged, 1 deleted, 1 not taken" in out
    assert "broken.pdf" in err
    texts = {one["text"] for one in run_json("search", "hose pump", "-w", place)[1]["passages"]}
    assert "The pump runs at 60 rpm." in texts
    assert not any("hose" in text for text in texts)

    status, listed = run_json("releases", "list", "-w", place)
    assert [one["active"] for one in listed["releases"]] == [True]
    assert listed["active"] == answer["release"]
    status, shown = run_json("releases", "show", "r0001", "-w", place)
    assert shown["manifest"]["max_new_tokens"] == 4
    assert shown["manifest"]["search"]["fusion"] == "score"
    table = run("releases", "show", "r0001", "-w", place)[1]
    assert "max_new_tokens" in table
    assert "fusion=score" in table.replace("\n", "")
    assert error_of("releases", "show", "r9", "-w", place)[0] == 1
    assert error_of("releases", "rollback", "-w", place)[0] == 3

    status, healthy = run_json("doctor", "-w", place)
    by_name = {check["name"]: check for check in healthy["checks"]}
    assert by_name["index"]["state"] == "ok", by_name["index"]
    assert by_name["catalog"]["state"] == by_name["active release"]["state"] == "ok"


def test_promote_and_rollback(run_json, run, place, folder):
    run_json("ingest", folder(FILES), "-w", place)
    first = run_json("releases", "list", "-w", place)[1]["active"]
    (place / "lockstep.toml").write_text((place / "lockstep.toml").read_text() + "[search]\ntop_k = 1\n")
    run_json("ingest", folder(FILES), "-w", place)
    second = run_json("releases", "list", "-w", place)[1]["active"]
    assert first != second
    assert run_json("releases", "promote", first[:6], "-w", place)[1] == {"release": first, "previous": second}
    assert "is active" in run("releases", "rollback", "-w", place)[1]
    assert run_json("releases", "list", "-w", place)[1]["active"] == second


def test_the_doctor_names_languages_that_the_embedder_does_not_know(run_json, place, folder):
    german = "Die Wartungsintervalle der Kühlpumpen betragen sechs Monate. Das Getriebeöl wird jährlich gewechselt."
    run_json("ingest", folder({"de.txt": german}), "-w", place)
    checks = {check["name"]: check for check in run_json("doctor", "-w", place)[1]["checks"]}
    assert checks["languages"]["state"] == "note"
    assert "are de 100%, the embedder was made for en: search by meaning is weak in de" in checks["languages"]["detail"]
    run_json("ingest", folder({"de.txt": "The thermostat controls the temperature of the evaporator."}), "-w", place)
    checks = {check["name"]: check for check in run_json("doctor", "-w", place)[1]["checks"]}
    assert checks["languages"]["state"] == "ok"


def test_a_damaged_release_is_refused_with_3_and_named_by_the_doctor(run, run_json, error_of, place, folder):
    run_json("ingest", folder(FILES), "-w", place)
    release = run_json("releases", "list", "-w", place)[1]["active"]
    (place / ".lockstep" / "releases" / release / "extra.txt").write_text("x")
    status, error = error_of("search", "x", "-w", place)
    assert (status, error["code"]) == (3, "corrupt_release")
    status, out, _ = run("doctor", "-w", place)
    assert status == 1
    assert "WRONG" in out
    assert "extra.txt" in out


def test_commands_that_find_the_index_held(run_json, error_of, place, folder, monkeypatch):

    run_json("ingest", folder(FILES), "-w", place)

    def held(*_, **__):
        raise Busy("found lock held by another process (pid 1)")

    monkeypatch.setattr("retrieval.index.open.open_index", held)
    monkeypatch.setattr("training.releases.runtime.open_index", held)
    status, error = error_of("ask", "x", "-w", place)
    assert (status, error["code"]) == (1, "busy")
    assert "pid 1" in error["message"]
    monkeypatch.setattr("service.running._is_answering", lambda url, timeout: True)
    with announced(Workspace(place), "http://127.0.0.1:8000"):
        message = error_of("ask", "x", "-w", place)[1]["message"]
        assert "found the service at http://127.0.0.1:8000" in message, "it is asked, and gone by now"
        status, value = run_json("ingest", folder({"new.md": "The tank is red."}), "-w", place)
    assert status == 0
    assert value["documents"]["added"] == 1


def test_an_overlap_that_chunks_cannot_have(error_of, place, folder):
    (place / "lockstep.toml").write_text((place / "lockstep.toml").read_text() + "overlap = 32\n")
    status, error = error_of("ingest", folder(FILES), "-w", place)
    assert status == 2
    assert "chunking.overlap" in error["message"]


def test_ingest_takes_the_encoding_of_the_settings(run_json, place, tmp_path, monkeypatch):
    note = tmp_path / "note.txt"
    note.write_bytes("Клапан 42".encode("cp1251"))
    monkeypatch.setenv("LOCKSTEP_INGEST__ENCODING", "windows-1251")
    assert run_json("ingest", note, "-w", place)[1]["warned"] == []
    assert run_json("search", "42", "-w", place)[1]["passages"][0]["text"] == "Клапан 42"


def test_serve_hands_on_the_address(run_json, place, folder, monkeypatch):
    def serve(workspace, catalog, ledger, index, settings, *, started):
        assert (settings.host, settings.port) == ("127.0.0.1", 8123)
        started("http://127.0.0.1:8123", "r0001-x")

    monkeypatch.setattr("service.http.server.serve", serve)
    value = {"url": "http://127.0.0.1:8123", "release": "r0001-x"}
    assert run_json("serve", "--port", "8123", "-w", place) == (0, value)


def test_serve_before_any_ingest(error_of, place):
    status, error = error_of("serve", "--port", "0", "-w", place)
    assert (status, error["code"]) == (1, "not_found")


def test_a_citation_without_a_quotation_says_so():
    assert quoted("It is  5 m\ndeep.") == "“It is 5 m deep.”"
    assert "shares a word" in quoted("")
