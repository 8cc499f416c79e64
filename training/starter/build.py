"""Train the starter from nothing: ``python -m training.starter.build --squad DIR --docs DIR --work DIR``.

Stops at any time; the same command goes on from the last checkpoint. The model is published to
``training/starter/model`` at every evaluation. A run can be prolonged by a larger ``--tokens``:
the learning rate is constant until the last fifth and then falls to zero.
"""

import argparse
import json
import os
import re
import time
from pathlib import Path
from random import Random
from typing import Any

from retrieval.files import publish_bytes
from retrieval.prompt import Prompt
from training.starter.circuits import Laid, Marks, lay_down, token_width
from training.starter.guard import Guard
from training.starter.measure import measure
from training.starter.paths import starter_path
from training.starter.pointing import Pointing
from training.starter.prose import Squad, documentation, folder, tokenizer_texts
from training.starter.rows import Row, Rows, padded
from training.starter.tokenizer import train_tokenizer
from training.starter.vectors import token_vectors
from training.starter.world import World

CONTEXT = 2048
LONGEST = 1024
"""Tokens of the longest row trained on."""


def build_tokenizer(squad: Squad, documents: list[str], output: Path, seed: int) -> None:
    """The tokenizer, from prose and from generated worlds."""
    prompt = Prompt()
    world = World(Random(f"tokenizer:{seed}"), prompt)
    generated = [world.episode(3).messages(prompt)[1]["content"] for _ in range(2500)]
    texts = [*tokenizer_texts(squad, documents), *generated, *[prompt.instructions()] * 50]
    output.mkdir(parents=True, exist_ok=True)
    train_tokenizer(texts, output, context=CONTEXT)


def new_model(tokenizer: Any, frequencies: Any, *, width: int = 352, layers: int = 6, seed: int) -> tuple[Any, Laid]:
    """A Qwen3 of 14.6 million parameters, with its circuits laid down and vectors that mean something."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=8,
        num_key_value_heads=8,
        head_dim=64,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": 1e8},
        tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
        attention_dropout=0.0,
        use_cache=True,
    )
    model = Qwen3ForCausalLM(config)
    vectors = token_vectors(tokenizer, token_width(width))
    return model, lay_down(model, vectors, frequencies, prompt_marks(tokenizer), seed=seed)


def prompt_marks(tokenizer: Any) -> Marks:
    """How Lockstep's prompt and the chat template read in tokens."""
    passage, question, answer, colon, *numbers = tokenizer.convert_tokens_to_ids(
        ["[", "Question", "Ġassist", ":", *"12345678"]
    )
    words = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    ends = [token for token, word in enumerate(words) if re.search(r"([.!?|]|Ċ)$", word)]
    return Marks(passage, question, answer, numbers, colon, ends)


def optimizers(model: Any, *, muon_rate: float, adam_rate: float) -> list[Any]:
    """Muon for the matrices of the layers, AdamW for the rest."""
    import torch

    learning = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    matrices = [p for name, p in learning if p.ndim == 2 and "layers" in name]
    rest = [p for name, p in learning if not (p.ndim == 2 and "layers" in name)]
    return [
        torch.optim.Muon(matrices, lr=muon_rate, momentum=0.95, weight_decay=0.0),
        torch.optim.AdamW(rest, lr=adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def rate(seen: int, total: int) -> float:
    """Warm-up over 100k tokens, constant, then linearly to zero over the last fifth."""
    return min(1.0, (seen + 5_000) / 100_000, max(0.0, (total - seen) / (0.2 * total)))


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
        state = {name: value.detach().to(torch.bfloat16) for name, value in model.state_dict().items()}
        model.save_pretrained(temporary, state_dict=state)
        config = json.loads((Path(temporary) / "config.json").read_text())
        (Path(temporary) / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}, indent=2) + "\n")
        tokenizer.save_pretrained(temporary)
        for path in sorted(Path(temporary).iterdir()):
            publish_bytes(output / path.name, path.read_bytes())


def train(arguments: argparse.Namespace) -> None:
    """The whole run."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import AutoTokenizer

    torch.manual_seed(arguments.seed)
    work, output = Path(arguments.work), Path(arguments.output)
    work.mkdir(parents=True, exist_ok=True)
    squad = Squad(Path(arguments.squad))
    paragraphs, tables = folder(Path(arguments.docs))
    documents = [*documentation(), *paragraphs]
    if not (work / "tokenizer" / "tokenizer.json").exists():
        build_tokenizer(squad, documents, work / "tokenizer", arguments.seed)
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    rows = Rows(tokenizer, squad, documents, Prompt(), tables=tables, seed=arguments.seed)
    model, laid = new_model(tokenizer, rows.frequencies(), seed=arguments.seed)
    guard = Guard(model, laid)
    pointing = Pointing(model)
    optimizer = optimizers(model, muon_rate=arguments.muon_rate, adam_rate=arguments.adam_rate)
    base_rates = [group.param_groups[0]["lr"] for group in optimizer]
    seen, pool, history = 0, 0, []
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        for one, state in zip(optimizer, saved["optimizers"], strict=True):
            one.load_state_dict(state)
        seen, pool = saved["seen"], saved["pool"]
        history = json.loads((work / "history.json").read_text())
    if not (output / "model.safetensors").exists():
        publish(model, tokenizer, output)

    def forward(ids: Any, index: Any, targets: Any, weights: Any) -> tuple[Any, Any]:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state  # (B, T, D)
            logits = model.lm_head(hidden.flatten(0, 1)[index])  # (N, V)
        losses = cross_entropy(logits.float(), targets, reduction="none")
        answer = weights > 1
        return (losses * weights).sum() / weights.sum(), (losses * answer).sum() / answer.sum().clamp(min=1)

    total, started, saved_at, measured_at = (
        int(float(arguments.tokens)),
        time.monotonic(),
        time.monotonic(),
        time.monotonic(),
    )
    begun, steps, smoothed = seen, 0, [0.0, 0.0, 0.0]

    def save() -> None:
        state = {
            "model": model.state_dict(),
            "optimizers": [one.state_dict() for one in optimizer],
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
        for batch in rows.batches(pool, seen, batch_tokens=arguments.batch_tokens, longest=LONGEST):
            if seen >= total:
                break
            ids, index, targets, weights = collate(batch)
            for one, base in zip(optimizer, base_rates, strict=True):
                for group in one.param_groups:
                    group["lr"] = base * rate(seen, total)
            loss, answer_loss = forward(ids, index, targets, weights)
            pointing_loss = pointing.loss([row.pointers for row in batch])
            (loss + arguments.pointing * pointing_loss).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for one in optimizer:
                one.step()
                one.zero_grad(set_to_none=True)
            seen += sum(len(row.ids) for row in batch)
            steps += 1
            keep = min(0.98, steps / (steps + 5))
            values = (loss, answer_loss, pointing_loss)
            smoothed = [keep * s + (1 - keep) * float(v.detach()) for s, v in zip(smoothed, values, strict=True)]
            if steps % 25 == 0:
                speed = (seen - begun) / (time.monotonic() - started)
                print(
                    f"{seen / 1e6:.3f}M  loss {smoothed[0]:.3f}  answer {smoothed[1]:.3f}"
                    f"  pointing {smoothed[2]:.3f}  {speed:.0f} tok/s",
                    flush=True,
                )
        pool += 1
        guard.follow()
        now = time.monotonic()
        if now - saved_at > 120:
            history.append(losses())
            save()
            saved_at = now
        if now - measured_at > arguments.measure_every:
            look()
            measured_at = time.monotonic()
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
    parser.add_argument("--tokens", default="6e6")
    parser.add_argument("--batch-tokens", type=int, default=3072)
    parser.add_argument("--pointing", type=float, default=1.0, help="weight of the loss on where heads look")
    parser.add_argument("--muon-rate", type=float, default=0.01)
    parser.add_argument("--adam-rate", type=float, default=1e-3)
    parser.add_argument("--measure-every", type=float, default=1500, help="seconds between evaluations")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261121)
    arguments = parser.parse_args()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    train(arguments)


if __name__ == "__main__":
    main()
