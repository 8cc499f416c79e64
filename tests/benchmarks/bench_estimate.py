"""An estimate beside what happened: a small retraining on the demo's documents, with generators of several sizes.

    python tests/benchmarks/bench_estimate.py [--processor] [SIZE ...]      (40m, default, 360m; all without)

``default`` is the generator that comes with Lockstep; the others are random models with its tokenizer: time and
memory do not care about weights. Both sides of a comparison come from one run. On a machine that others use, time
hangs on what they do meanwhile: ``--processor`` estimates and measures seconds of processor instead.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SHAPES = {"40m": (384, 1024, 10, 6, 2), "360m": (960, 2560, 32, 15, 5)}
"""Hidden, intermediate, layers, heads, key/value heads."""
DEMO = Path(__file__).resolve().parents[2] / "deploy" / "demo"
CONFIGURATION = """
[prompt]
max_passages = 3
[generator]
model = "{model}"
max_new_tokens = 24
[training]
loss = false
[training.data]
passages = 3
most_validation = 8
most_test = 12
[training.generator]
epochs = 1
batch_size = 4
evaluations = 1
averaging = []
most_rows = 16
"""


def build(directory: Path, size: str) -> None:
    """A random Llama."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from training.generator.packaged import BASE, packaged_generator

    hidden, inner, layers, heads, pairs = SHAPES[size]
    tokenizer = AutoTokenizer.from_pretrained(packaged_generator(BASE), local_files_only=True)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=pairs,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(packaged_generator(BASE) / name, directory / name)


def lockstep(place: Path, *arguments: str, processor: bool) -> dict[str, object]:
    """A command's value; what it tells beside goes to standard error."""
    clock = "import sys, time; " + "time.monotonic = time.process_time; " * processor
    program = f"{clock}from service.commands.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *arguments, "--workspace", str(place), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stdout)
    value: dict[str, object] = json.loads(done.stdout)
    return value


def taken(run: Path) -> dict[str, float]:
    """Stage to its seconds, by the clock of the run."""
    events = map(json.loads, (run / "events.jsonl").read_text().splitlines())
    return {one["stage"]: one["seconds"] for one in events if one.get("state") == "finished"}


def main(sizes: list[str], *, processor: bool) -> None:
    """Each size in a workspace of its own."""
    for name in sizes:
        with tempfile.TemporaryDirectory() as temporary:
            place, model = Path(temporary) / "place", "smollm2-135m-grounded"
            place.mkdir()
            if name != "default":
                model = str(Path(temporary) / name)
                build(Path(model), name)
            (place / "lockstep.toml").write_text(CONFIGURATION.format(model=model))
            examples = place / "examples.jsonl"
            rows = (DEMO / "examples" / "hardware.jsonl").read_text().splitlines(keepends=True)
            examples.write_text("".join(rows[::3]))
            lockstep(place, "ingest", str(DEMO / "documents"), processor=processor)
            value = lockstep(place, "retrain", "--examples", str(examples), processor=processor)
            seconds = taken(place / ".lockstep" / "runs" / str(value["run"]))
            estimate = json.loads(Path(str(value["report"])).with_suffix(".json").read_text())["estimate"]
            print(f"{name}: probe {estimate['probe_seconds']} s")
            seconds["all"] = sum(seconds[row["stage"]] for row in estimate["stages"])
            for row in [*estimate["stages"], {**estimate, "stage": "all"}]:
                told, took = row["seconds"], seconds[row["stage"]]
                size, most = row["memory_bytes"] / 1e9, (row["happened_memory_bytes"] or 0) / 1e9
                print(
                    f"  {row['stage']:<11} {told:7.1f} s, took {took:7.1f} ({told / max(0.1, took) - 1:+.0%}); "
                    f"{size:.2f} GB, at most {most:.2f} ({size / max(0.1, most) - 1:+.0%})",
                    flush=True,
                )


if __name__ == "__main__":
    names = [one for one in sys.argv[1:] if one != "--processor"]
    main(names or ["40m", "default", "360m"], processor="--processor" in sys.argv)
