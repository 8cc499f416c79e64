"""``lockstep``: the command line. Parses, runs one command, and turns its end into an exit status.

0 done, 1 failed, 2 wrong usage or configuration, 3 refused by a check, 130 interrupted.
"""

import contextlib
import gc
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from retrieval.errors import LockstepError
from service.commands import (
    dataset,
    doctor,
    documents,
    evaluation,
    examples,
    index,
    keys,
    questions,
    releases,
    retraining,
    scaling,
    serving,
    study,
    tuning,
)
from service.commands.console import Console, only_json_on_stdout

app = typer.Typer(
    name="lockstep",
    help="Fine-tune a retriever and a generator on your own documents, prove that they got better, ship one release.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for family in (index, questions, dataset, evaluation, study, tuning, retraining, scaling, serving, doctor):
    family.register(app)
app.add_typer(documents.app, name="documents", help="List, show and remove documents; what was not taken, and why.")
app.add_typer(examples.app, name="examples", help="Make examples of other data, or where there are too few.")
app.add_typer(releases.app, name="releases", help="List, show, promote and roll back releases.")
app.add_typer(keys.app, name="keys", help="Make, list and revoke the keys that clients of a service present.")


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"lockstep {version('lockstep')}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="LOCKSTEP_DEBUG", help="Show stack traces and what libraries log.")
    ] = False,
) -> None:
    pass  # `main` reads --debug itself, wherever it stands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status.
    """
    # Before torch is loaded: its idle threads sleep instead of spinning. On a machine whose cores
    # others use too, spinning makes a single embedding take a second instead of ten milliseconds.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # The objects that imports make are no garbage; to look through them again and again is a fifth of their time.
    gc.set_threshold(100_000, 50, 100)
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in own or os.environ.get("LOCKSTEP_DEBUG", "") not in ("", "0")
    if "--debug" in own:
        arguments.remove("--debug")
    as_json = "--json" in own
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(only_json_on_stdout()) if as_json else sys.stdout
        console = Console(as_json=as_json, out=out)
        with _library_logs(debug):
            return _run(arguments, console, debug=debug)


def _run(arguments: Sequence[str], console: Console, *, debug: bool) -> int:
    try:
        status = app(arguments, prog_name="lockstep", standalone_mode=False, obj=console)
        if status == 130:  # what typer makes of a KeyboardInterrupt
            raise KeyboardInterrupt
        console.out.flush()
        return int(status or 0)
    except LockstepError as error:
        return _fail(console, str(error), error.code, error.exit_status, debug)
    except typer.TyperException as error:
        said = error.format_message()
        hint = "`lockstep --help` lists what there is"
        if "--examples" in arguments and "extra argument" in said:  # a shell's `--examples *.jsonl`
            hint = "several files of examples take --examples before each of them"
        return _fail(console, f"{said} ({hint})", "usage", 2, debug)
    except (KeyboardInterrupt, typer.Abort):
        return _fail(console, "interrupted; what was acknowledged is kept", "interrupted", 130, debug=False)
    except BrokenPipeError:
        # The reader of stdout has seen enough (`lockstep search ... | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        return _fail(console, "found too little memory; free some, or use a smaller model", "memory", 1, debug)
    except Exception as error:
        where = _write_trace(arguments)
        message = f"an unexpected {type(error).__name__}: {error} (the trace is in {where}; please report it)"
        return _fail(console, message, "internal", 1, debug)


def _fail(console: Console, message: str, code: str, status: int, debug: bool) -> int:
    # One line, whatever a library put into it; only what is listed stands on lines of its own.
    message = "\n  ".join(" ".join(part.split()) for part in message.split("\n  "))
    if debug:
        console.note(traceback.format_exc().rstrip())
    console.note(f"lockstep: {message}")
    if console.as_json:
        console.json({"error": {"message": message, "code": code}})
    return status


def _write_trace(arguments: Sequence[str]) -> Path:
    """Keep the trace of an unexpected error in the workspace's state, or where that cannot be written."""
    content = f"lockstep {' '.join(arguments)}\n\n{traceback.format_exc()}"
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    for directory in (_workspace_of(arguments) / ".lockstep", Path(tempfile.gettempdir())):
        if directory.is_dir():
            with contextlib.suppress(OSError):
                (directory / name).write_text(content, encoding="utf-8", errors="replace")
                return directory / name
    return Path(os.devnull)


def _workspace_of(arguments: Sequence[str]) -> Path:
    for position, argument in enumerate(arguments):
        if argument.startswith("--workspace="):
            return Path(argument.partition("=")[2])
        if argument in ("--workspace", "-w") and position + 1 < len(arguments):
            return Path(arguments[position + 1])
    return Path(os.environ.get("LOCKSTEP_WORKSPACE") or ".")


@contextlib.contextmanager
def _library_logs(debug: bool) -> Iterator[None]:
    """Libraries log warnings to stderr (everything with --debug) and show no progress bars of their own."""
    import logging

    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")  # of whoever uses tqdm itself, as the reader of gguf files does
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "info" if debug else "error")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.WARNING)
    logging.getLogger("lockstep").setLevel(logging.DEBUG if debug else logging.INFO)
    logging.getLogger("openai").setLevel(logging.INFO)  # below, it writes down what it sends: questions and passages
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


if __name__ == "__main__":
    sys.exit(main())
