"""The run that makes the starter out of a larger model.

The command is ``python -m training.starter.build --squad DIR --docs DIR --work DIR``, with more sets of
questions by ``--squad-json``, ``--qamr`` and ``--fairytales`` (the model's card tells where they are from). It
stops at any time; the same command goes on from the last checkpoint. The model is published to
``training/starter/model`` at every evaluation, with the history of its training, and ``--base`` goes on
from such a model where no checkpoint is left. A run can be prolonged by a larger ``--tokens``: the
learning rate is constant over two fifths of them and then falls to zero. It runs on a GPU where torch
finds one (with larger ``--batch-tokens``), else best in a process for each core (``parallel.py``).
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
from retrieval.hardware import best_device
from retrieval.prompt import Prompt
from training.starter.measure import measure
from training.starter.parallel import average, join, wait
from training.starter.paths import starter_path
from training.starter.pointing import Pointing
from training.starter.prose import documentation, folder, tokenizer_texts
from training.starter.pruning import importance, pruned, with_vocabulary
from training.starter.questions import Questions, fairytales, held_out, qamr, squad, squad_json
from training.starter.rows import Row, Rows, padded
from training.starter.source import source_model, source_tokenizer
from training.starter.tokenizer import cut_tokenizer
from training.starter.world import World

CONTEXT = 2048
LONGEST = 1280
"""Tokens of the longest row trained on."""
SAMPLE = 64
"""Rows by which it is told what matters in the source."""
SAVE_EVERY = 120
"""Seconds."""
HISTORY = "history.json"
"""How losses and figures went: beside the checkpoint, and beside the published model."""
LOSSES = ("loss", "answer_loss", "pointing_loss")
WORDS_SHARE = 0.2
"""The embeddings' learning rate, as a share of the others'."""


def questions_of(arguments: argparse.Namespace) -> Questions:
    """All sets of people's questions that the command names."""
    directory = Path(arguments.squad)
    people, forbidden = squad(directory), held_out(directory)
    for file in arguments.squad_json:
        people.add(squad_json(Path(file), forbidden))
    for file in arguments.qamr:
        people.add(qamr(Path(file), forbidden))
    if arguments.fairytales:
        people.add(fairytales(Path(arguments.fairytales), forbidden))
    return people


def build_tokenizer(people: Questions, documents: list[str], output: Path, seed: int) -> None:
    """The tokenizer, from prose and from generated worlds."""
    prompt = Prompt()
    world = World(Random(f"tokenizer:{seed}"), prompt)
    generated = [world.episode(3).messages(prompt)[1]["content"] for _ in range(2500)]
    texts = [*tokenizer_texts(people, documents), *generated, *[prompt.instructions()] * 50]
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

    ids, index, targets, weights = (tensor.to(model.device) for tensor in collate(batch))
    with torch.autocast(model.device.type, dtype=torch.bfloat16):
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


def rate(seen: int, total: int, begun: int = 0) -> float:
    """Warm-up over 100k tokens from ``begun`` on, constant, then linearly to zero over the last three fifths."""
    return min(1.0, (seen - begun + 5_000) / 100_000, max(0.0, (total - seen) / (0.6 * total)))


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


def publish(model: Any, tokenizer: Any, history: list[dict[str, Any]], output: Path) -> None:
    """bf16 safetensors, config, tokenizer, chat template and history into ``output``, each file replaced whole."""
    import tempfile

    import torch

    with tempfile.TemporaryDirectory() as temporary:
        deepcopy(model).to(torch.bfloat16).save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        (Path(temporary) / HISTORY).write_text(json.dumps(history, indent=1) + "\n")
        for path in sorted(Path(temporary).iterdir()):
            publish_bytes(output / path.name, path.read_bytes())


class Training:
    """A run of the builder; goes on where the last one in the same place stopped.

    Args:
        arguments: as :func:`main` parses them.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        import torch
        from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

        base = arguments.base and Path(arguments.base)
        self.arguments = arguments
        self.work, self.output = Path(arguments.work), Path(arguments.output)
        self.work.mkdir(parents=True, exist_ok=True)
        self.process, self.processes = join()
        people = questions_of(arguments)
        paragraphs, tables = folder(Path(arguments.docs))
        documents = [*documentation(), *paragraphs]
        if self.process == 0 and not (self.work / "tokenizer" / "tokenizer.json").exists():
            if base:
                AutoTokenizer.from_pretrained(base).save_pretrained(self.work / "tokenizer")
            else:
                build_tokenizer(people, documents, self.work / "tokenizer", arguments.seed)
        wait(self.processes)
        self.tokenizer = AutoTokenizer.from_pretrained(self.work / "tokenizer")
        self.rows = Rows(self.tokenizer, people, documents, Prompt(), tables=tables, seed=arguments.seed)
        self.total, self.seen, self.pool, self.begun = int(float(arguments.tokens)), 0, 0, 0
        self.history: list[dict[str, Any]] = []
        self.smoothed, self.steps = [0.0, 0.0, 0.0], 0
        self.checkpoint = self.work / "checkpoint.pt"
        saved = None
        if self.checkpoint.exists():
            saved = torch.load(self.checkpoint, weights_only=True, map_location="cpu")
        torch.manual_seed(arguments.seed)
        if saved:
            self.model = LlamaForCausalLM(LlamaConfig.from_dict(saved["config"]))
            self.seen, self.pool, self.begun = saved["seen"], saved["pool"], saved["begun"]
            self.history = json.loads((self.work / HISTORY).read_text())
        elif base:
            if not (base / HISTORY).exists():
                raise SystemExit(f"found no {HISTORY} in {base}, expected a model that this builder has published")
            self.model = LlamaForCausalLM.from_pretrained(base, dtype=torch.float32)
            self.history = json.loads((base / HISTORY).read_text())
            self.seen = self.begun = self.history[-1]["tokens"]
            self.pool = self.history[-1]["pool"]
            if self.seen >= self.total:
                raise SystemExit(f"found {base} trained on {self.seen:,} tokens already, expected fewer than --tokens")
        else:
            self.model = new_model(self.tokenizer, self.rows)
        self.model.to(best_device() if self.processes == 1 else "cpu").train()
        self.pointing = Pointing(self.model)
        self.optimizer = optimizer_of(self.model)
        if saved:
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
        average([parameter.data for parameter in self.model.parameters()], self.processes)
        if self.process == 0 and not (self.output / "model.safetensors").exists():
            publish(self.model, self.tokenizer, self.history, self.output)
        self.found, self.started = self.seen, time.monotonic()

    def run(self) -> None:
        """Train until all tokens are seen; the first process saves and measures on the way."""
        saved = looked = time.monotonic()
        while self.seen < self.total:
            size = self.arguments.batch_tokens
            batches = self.rows.batches(
                self.pool, self.seen, batch_tokens=size, longest=LONGEST, together=self.processes
            )
            for together in zip(*[iter(batches)] * self.processes, strict=False):  # what is left over is left out
                if self.seen >= self.total:
                    break
                self.step(together)
            self.pool += 1
            if self.process > 0:
                continue
            if time.monotonic() - saved > SAVE_EVERY:
                self.history.append(self.losses())
                self.save()
                saved = time.monotonic()
            if time.monotonic() - looked > self.arguments.measure_every:
                self.look()
                looked = time.monotonic()
        if self.process == 0:
            self.save()
            self.look()
            self.save()  # what was measured, too

    def step(self, together: tuple[list[Row], ...]) -> None:
        """One step on a batch for each process."""
        import torch

        for group in self.optimizer.param_groups:
            group["lr"] = group["share"] * self.arguments.learning_rate * rate(self.seen, self.total, self.begun)
        batch = together[self.process]
        loss, answer_loss = losses_of(self.model, batch)
        pointing_loss = self.pointing.loss([row.pointers for row in batch])
        (loss + self.arguments.pointing * pointing_loss).backward()
        average([parameter.grad for parameter in self.model.parameters()], self.processes)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.seen += sum(len(row.ids) for batch in together for row in batch)
        self.steps += 1
        keep = min(0.98, self.steps / (self.steps + 5))
        values = (loss, answer_loss, pointing_loss)
        self.smoothed = [
            keep * old + (1 - keep) * float(value.detach()) for old, value in zip(self.smoothed, values, strict=True)
        ]
        if self.steps % 25 == 0 and self.process == 0:
            speed = (self.seen - self.found) / (time.monotonic() - self.started)
            told = "  ".join(f"{name} {value:.3f}" for name, value in zip(LOSSES, self.smoothed, strict=True))
            print(f"{self.seen / 1e6:.3f}M  {told}  {speed:.0f} tok/s", flush=True)

    def losses(self) -> dict[str, float]:
        """Smoothed, with the tokens and pools after which they were that."""
        return {"tokens": self.seen, "pool": self.pool, **dict(zip(LOSSES, self.smoothed, strict=True))}

    def save(self) -> None:
        """Everything that the next run needs to go on."""
        import torch

        state = {
            "config": self.model.config.to_dict(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "seen": self.seen,
            "pool": self.pool,
            "begun": self.begun,
        }
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(self.checkpoint)
        (self.work / HISTORY).write_text(json.dumps(self.history))

    def look(self) -> None:
        """Measure, and publish what was measured."""
        self.model.eval()
        figures = measure(self.model, self.tokenizer, seed=self.arguments.seed, questions=self.arguments.questions)
        self.model.train()
        self.history.append({**self.losses(), **figures})
        print(json.dumps(self.history[-1]), flush=True)
        publish(self.model, self.tokenizer, self.history, self.output)


def main() -> None:
    """The command line of the builder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--squad", required=True, help="directory with corpus.jsonl.gz and qa.jsonl.gz")
    parser.add_argument("--squad-json", nargs="*", default=[], help="more questions, files in SQuAD's own form")
    parser.add_argument("--qamr", nargs="*", default=[], help="more questions, readable files of QAMR")
    parser.add_argument("--fairytales", help="data-by-train-split of FairytaleQA")
    parser.add_argument("--docs", required=True, help="directory of Markdown documentation")
    parser.add_argument("--work", required=True, help="directory for the tokenizer and checkpoints")
    parser.add_argument("--base", help="a published model to go on from, instead of a new one")
    parser.add_argument("--output", default=str(starter_path()))
    parser.add_argument("--tokens", default="54e6")
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--pointing", type=float, default=0.3, help="weight of the loss on where heads look")
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--measure-every", type=float, default=1500, help="seconds between evaluations")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20261121)
    arguments = parser.parse_args()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    Training(arguments).run()


if __name__ == "__main__":
    main()
