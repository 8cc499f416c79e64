"""Cut the starter out of a larger model, and train it.

The command is ``python -m training.starter.build --squad DIR --docs DIR --work DIR``. It stops at any
time; the same command goes on from the last checkpoint. The model is published to
``training/starter/model`` at every evaluation. A run can be prolonged by a larger ``--tokens``:
the learning rate is constant over two fifths of them and then falls to zero.
"""

import argparse
import json
import os
import time
from copy import deepcopy
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from retrieval.files import publish_bytes
from retrieval.prompt import Prompt
from training.starter.measure import measure
from training.starter.parallel import average, join, wait
from training.starter.paths import starter_path
from training.starter.pointing import Pointing
from training.starter.prose import Squad, documentation, folder, tokenizer_texts
from training.starter.pruning import importance, pruned, with_vocabulary
from training.starter.rows import Row, Rows, padded
from training.starter.source import source_model, source_tokenizer
from training.starter.tokenizer import cut_tokenizer
from training.starter.world import World

CONTEXT = 2048
LONGEST = 1024
"""Tokens of the longest row trained on."""
SAMPLE = 64
"""Rows by which it is told what matters in the source."""
WORDS_SHARE = 0.2
"""The embeddings' learning rate, as a share of the others'."""


def build_tokenizer(squad: Squad, documents: list[str], output: Path, seed: int) -> None:
    """The tokenizer, from prose and from generated worlds."""
    prompt = Prompt()
    world = World(Random(f"tokenizer:{seed}"), prompt)
    generated = [world.episode(3).messages(prompt)[1]["content"] for _ in range(2500)]
    texts = [*tokenizer_texts(squad, documents), *generated, *[prompt.instructions()] * 50]
    output.mkdir(parents=True, exist_ok=True)
    cut_tokenizer(source_tokenizer(), texts, output, context=CONTEXT)


def new_model(tokenizer: Any, rows: Rows) -> Any:
    """The starter before training: what matters most of the source for rows of the last stage."""
    source = with_vocabulary(source_model(), source_tokenizer(), tokenizer)
    batches = rows.batches(-1, 10**9, batch_tokens=1, longest=LONGEST)  # of a row each
    losses = (losses_of(source, batch)[0] for batch in islice(batches, SAMPLE))
    model = pruned(source, importance(source, losses), context=CONTEXT)
    model.config.bos_token_id = None
    model.config.eos_token_id = model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def losses_of(model: Any, batch: list[Row]) -> tuple[Any, Any]:
    """The weighted mean loss of a batch's next tokens, and that of its answers."""
    import torch
    from torch.nn.functional import cross_entropy

    ids, index, targets, weights = collate(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state  # (B, T, D)
        logits = model.lm_head(hidden.flatten(0, 1)[index])  # (N, V)
    losses = cross_entropy(logits.float(), targets, reduction="none")
    answer = weights > 1
    return (losses * weights).sum() / weights.sum(), (losses * answer).sum() / answer.sum().clamp(min=1)


def optimizer_of(model: Any) -> Any:
    """AdamW, slow on the embeddings: every step moves words that it does not show, away from what it says."""
    import torch

    words = model.get_input_embeddings().weight
    rest = [parameter for parameter in model.parameters() if parameter is not words]
    groups = [{"params": rest, "share": 1.0}, {"params": [words], "share": WORDS_SHARE}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=0.0)


def rate(seen: int, total: int) -> float:
    """Warm-up over 100k tokens, constant, then linearly to zero over the last three fifths."""
    return min(1.0, (seen + 5_000) / 100_000, max(0.0, (total - seen) / (0.6 * total)))


def collate(batch: list[Row]) -> tuple[Any, Any, Any, Any]:
    """Ids (B, T), and of the positions that count: flat index, target, weight."""
    import torch

    longest = padded(max(len(row.ids) for row in batch))
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    index, targets, weights = [], [], []
    for line, row in enumerate(batch):
        ids[line, : len(row.ids)] = torch.tensor(row.ids)
        for position in range(1, len(row.ids)):
            if row.weights[position]:
                index.append(line * longest + position - 1)
                targets.append(row.ids[position])
                weights.append(row.weights[position])
    return ids, torch.tensor(index), torch.tensor(targets), torch.tensor(weights)


def publish(model: Any, tokenizer: Any, output: Path) -> None:
    """bf16 safetensors, config, tokenizer and chat template into ``output``, each file replaced whole."""
    import tempfile

    import torch

    with tempfile.TemporaryDirectory() as temporary:
        deepcopy(model).to(torch.bfloat16).save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        for path in sorted(Path(temporary).iterdir()):
            publish_bytes(output / path.name, path.read_bytes())


def train(arguments: argparse.Namespace) -> None:
    """The whole run."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    work, output = Path(arguments.work), Path(arguments.output)
    work.mkdir(parents=True, exist_ok=True)
    process, processes = join()
    squad = Squad(Path(arguments.squad))
    paragraphs, tables = folder(Path(arguments.docs))
    documents = [*documentation(), *paragraphs]
    if process == 0 and not (work / "tokenizer" / "tokenizer.json").exists():
        build_tokenizer(squad, documents, work / "tokenizer", arguments.seed)
    wait(processes)
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    rows = Rows(tokenizer, squad, documents, Prompt(), tables=tables, seed=arguments.seed)
    seen, pool, history = 0, 0, []
    checkpoint = work / "checkpoint.pt"
    saved = torch.load(checkpoint, weights_only=True) if checkpoint.exists() else None
    torch.manual_seed(arguments.seed)
    model = LlamaForCausalLM(LlamaConfig.from_dict(saved["config"])) if saved else new_model(tokenizer, rows)
    pointing = Pointing(model)
    optimizer = optimizer_of(model)
    if saved:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        seen, pool = saved["seen"], saved["pool"]
        history = json.loads((work / "history.json").read_text())
    average([parameter.data for parameter in model.parameters()], processes)
    if process == 0 and not (output / "model.safetensors").exists():
        publish(model, tokenizer, output)

    total, started, saved_at, measured_at = (
        int(float(arguments.tokens)),
        time.monotonic(),
        time.monotonic(),
        time.monotonic(),
    )
    begun, steps, smoothed = seen, 0, [0.0, 0.0, 0.0]

    def save() -> None:
        state = {
            "config": model.config.to_dict(),
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "seen": seen,
            "pool": pool,
        }
        temporary = checkpoint.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(checkpoint)
        (work / "history.json").write_text(json.dumps(history))

    def losses() -> dict[str, float]:
        return {"tokens": seen, **dict(zip(("loss", "answer_loss", "pointing_loss"), smoothed, strict=True))}

    def look() -> None:
        model.eval()
        figures = measure(model, tokenizer, seed=arguments.seed, questions=arguments.questions)
        model.train()
        history.append({**losses(), **figures})
        print(json.dumps(history[-1]), flush=True)
        publish(model, tokenizer, output)

    while seen < total:
        batches = rows.batches(pool, seen, batch_tokens=arguments.batch_tokens, longest=LONGEST)
        for together in zip(*[iter(batches)] * processes, strict=False):  # what is left over is left out
            if seen >= total:
                break
            for group in optimizer.param_groups:
                group["lr"] = group["share"] * arguments.learning_rate * rate(seen, total)
            batch = together[process]
            loss, answer_loss = losses_of(model, batch)
            pointing_loss = pointing.loss([row.pointers for row in batch])
            (loss + arguments.pointing * pointing_loss).backward()
            average([parameter.grad for parameter in model.parameters()], processes)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            seen += sum(len(row.ids) for batch in together for row in batch)
            steps += 1
            keep = min(0.98, steps / (steps + 5))
            values = (loss, answer_loss, pointing_loss)
            smoothed = [keep * s + (1 - keep) * float(v.detach()) for s, v in zip(smoothed, values, strict=True)]
            if steps % 25 == 0 and process == 0:
                speed = (seen - begun) / (time.monotonic() - started)
                print(
                    f"{seen / 1e6:.3f}M  loss {smoothed[0]:.3f}  answer {smoothed[1]:.3f}"
                    f"  pointing {smoothed[2]:.3f}  {speed:.0f} tok/s",
                    flush=True,
                )
        pool += 1
        if process > 0:
            continue
        now = time.monotonic()
        if now - saved_at > 120:
            history.append(losses())
            save()
            saved_at = now
        if now - measured_at > arguments.measure_every:
            look()
            measured_at = time.monotonic()
    if process == 0:
        save()
        look()
        save()


def main() -> None:
    """The command line of the builder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--squad", required=True, help="directory with corpus.jsonl.gz and qa.jsonl.gz")
    parser.add_argument("--docs", required=True, help="directory of Markdown documentation")
    parser.add_argument("--work", required=True, help="directory for the tokenizer and checkpoints")
    parser.add_argument("--output", default=str(starter_path()))
    parser.add_argument("--tokens", default="18.6e6")
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--pointing", type=float, default=0.3, help="weight of the loss on where heads look")
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--measure-every", type=float, default=1500, help="seconds between evaluations")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261121)
    arguments = parser.parse_args()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    train(arguments)


if __name__ == "__main__":
    main()
