"""Fine-tunes the generator on supervised rows: LoRA through trl, loss on the answer only.

The checkpoint is chosen by the caller's metric, measured on the model as it will be served.
Knows nothing about where rows come from or how answers are scored.
"""

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.errors import TrainingError
from retrieval.files import new_directory, publish_json
from retrieval.hardware import best_device
from training.data.supervised import SupervisedRow
from training.fine_tuning import Counts, Events, choose_share, resumable_checkpoint, trainer_arguments, watch
from training.generator.data_parallel import DataParallel
from training.generator.files import encode_target, load_model, model_identity
from training.generator.generation import Generator, load_generator
from training.generator.rows import EncodedRow, encode_rows, longest_row
from training.generator.trainer import METRIC, supervised_trainer
from training.library_output import quiet_libraries
from training.settings import GeneratorTraining

STATE = "training.json"
COPIED_BELOW = 1_000_000_000
"""Parameters below which a second copy, merged as serving merges it, is made to measure."""


@dataclass(frozen=True)
class TrainingResult:
    """How a training went."""

    steps: int
    best_metric: float
    untouched_metric: float
    share: float
    """By which the adapter's change of the weights was multiplied at last; 1 where less was not better."""
    tokens: int
    """Tokens of rows that went through the model, padding not counted."""
    rows: int
    truncated: int
    """Rows that were left out since they are longer than ``max_length``."""
    losses: tuple[tuple[int, float], ...]
    """Step and mean training loss since the entry before."""


def train_generator(
    base: Path,
    train_rows: Sequence[SupervisedRow],
    validate: Callable[[Generator], float],
    output: Path,
    settings: GeneratorTraining,
    *,
    abstention: str,
    seed: int = 17,
    events: Events,
    resume: bool = False,
    start: Path | None = None,
    in_order: bool = False,
) -> TrainingResult:
    """Fine-tune an adapter for ``base`` and publish the best checkpoint's at ``output``.

    Args:
        base: directory of the model.
        validate: the metric that counts, of a generator with the adapter; higher is better. Called
            before the first step, at each evaluation and for each share of ``settings.averaging``.
        output: directory of the adapter; its checkpoints lie beside it while it trains.
        abstention: the completion of rows that count ``settings.abstention_weight`` only.
        resume: go on from the last checkpoint that is whole, if there is one of the same rows,
            settings and base.
        start: directory of an adapter to train further, instead of a new one; its rank and modules stay.
        in_order: take the rows as they come, instead of at random and rows of like length together.

    Raises:
        TrainingError: nothing to train on, or a loss that is not finite; nothing is published.
        InputError: ``base`` cannot be loaded.
    """
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import EarlyStoppingCallback, PrinterCallback
    from transformers.utils import is_flash_attn_2_available
    from trl import SFTConfig

    device = best_device()
    # Packing is exact only where the kernel keeps the rows of a pack apart.
    packing = device == "cuda" and is_flash_attn_2_available()
    model, tokenizer = load_model(base, attention="flash_attention_2" if packing else None)
    small = model.num_parameters() < COPIED_BELOW
    if not small and device != "cpu":
        model = model.bfloat16()
    longest = longest_row(base, tokenizer, settings.max_length)
    rows, truncated = encode_rows(tokenizer, train_rows, max_length=longest)
    checkpoints = output.with_name(f"{output.name}-checkpoints")
    identity = _identity(base, rows, settings, seed, start)
    resumed = _prepare(checkpoints, identity, resume=resume)
    measure = _measure(validate, base, tokenizer, copied=small)
    steps_per_epoch = -(-len(rows) // settings.batch_size)
    arguments = SFTConfig(
        **trainer_arguments(
            settings,
            checkpoints,
            METRIC,
            steps_per_epoch=steps_per_epoch,
            seed=seed,
            on_cpu=device == "cpu",
            micro_batch=settings.micro_batch,
        ),
        activation_checkpointing=settings.activation_checkpointing,
        gradient_checkpointing=settings.activation_checkpointing,
        packing=packing,
        max_length=longest if packing else None,
        dataset_kwargs=None if packing else {"skip_prepare_dataset": True},
        train_sampling_strategy="sequential" if in_order else "random" if packing else "group_by_length",
        dataloader_pin_memory=device != "cpu",
    )
    refusal = encode_target(tokenizer, abstention)
    data = Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])
    if start is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(start), is_trainable=True)
    targets, counts = settings.target_modules, Counts()
    cores = parallel_cores(model.config, model.num_parameters(), settings)
    with quiet_libraries(), DataParallel(cores) if cores > 1 else nullcontext() as parallel:
        trainer = supervised_trainer(measure, refusal, settings.abstention_weight, counts, parallel)(
            model=model,
            args=arguments,
            train_dataset=data,
            eval_dataset=data.select([0]),
            processing_class=tokenizer,
            peft_config=None
            if start
            else LoraConfig(
                task_type="CAUSAL_LM",
                r=settings.rank,
                lora_alpha=settings.alpha,
                lora_dropout=settings.dropout,
                target_modules=targets if isinstance(targets, str) else list(targets),
            ),
            callbacks=[watch(events, "generator", counts), EarlyStoppingCallback(settings.patience)],
        )
        trainer.remove_callback(PrinterCallback)  # standard output belongs to the command
        untouched = _untouched(checkpoints, identity, lambda: measure(trainer.model), resumed=bool(resumed))
        events({"stage": "generator", "step": 0, "steps": 0, f"eval_{METRIC}": untouched})
        trainer.train(resume_from_checkpoint=resumed)
        _check_finite(trainer.model)
        share, best = choose_share(
            _scale_adapter(trainer.model),
            lambda: measure(trainer.model),
            settings.averaging,
            trainer.state.best_metric,
        )
        step = trainer.state.global_step
        events({"stage": "generator", "step": step, "steps": step, "averaging": share, METRIC: best})
        _publish(trainer.model, output, base)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return TrainingResult(
        steps=step,
        best_metric=best,
        untouched_metric=untouched,
        share=share,
        tokens=round(sum(len(row.input_ids) for row in rows) * (trainer.state.epoch or 0)),
        rows=len(rows),
        truncated=truncated,
        losses=tuple((entry["step"], entry["loss"]) for entry in trainer.state.log_history if "loss" in entry),
    )


def parallel_cores(config: Any, parameters: int, settings: GeneratorTraining) -> int:
    """Cores of a CPU that compute rows of a batch of their own; 1 where a batch is computed as a whole.

    Not where training draws random numbers: several threads would draw them in another order each time.
    """
    import torch

    drawn = bool(settings.dropout) or any(value for name, value in vars(config).items() if "drop" in name)
    return torch.get_num_threads() if parameters < COPIED_BELOW and best_device() == "cpu" and not drawn else 1


def _scale_adapter(model: Any) -> Callable[[float], None]:
    """Multiplies what an adapter adds to the weights, by its matrices B, to which that is proportional."""
    whole = {
        parameter: parameter.detach().clone()
        for name, parameter in model.named_parameters()
        if "lora_B" in name or "lora_embedding_B" in name
    }

    def take(share: float) -> None:
        for parameter, weight in whole.items():
            parameter.data = weight * share

    return take


def _measure(
    validate: Callable[[Generator], float], base: Path, tokenizer: Any, *, copied: bool
) -> Callable[[Any], float]:
    """The metric of a model in training: of the model as serving will load it where a copy is cheap."""

    def score(generator: Generator) -> float:
        try:
            value = float(validate(generator))
        finally:
            generator.stop()
        if not math.isfinite(value):
            raise TrainingError(f"found a validation metric of {value}, expected a finite number")
        return value

    def measure(model: Any) -> float:
        if not copied:
            return score(Generator(model.get_base_model(), tokenizer))
        if not any(bool(part.any()) for name, part in model.named_parameters() if "lora_B" in name):
            return score(load_generator(base))  # nothing learned yet: the base itself, and known as such
        with tempfile.TemporaryDirectory() as temporary:
            model.save_pretrained(temporary)
            return score(load_generator(base, Path(temporary)))

    return measure


def _identity(
    base: Path, rows: Sequence[EncodedRow], settings: GeneratorTraining, seed: int, start: Path | None
) -> str:
    """sha256 of everything that a resumed training must have in common with the one before."""
    digest = hashlib.sha256(f"{settings.model_dump_json()} {seed} {model_identity(base, start)}".encode())
    for row in rows:
        digest.update(json.dumps([row.input_ids, row.labels]).encode())
    return digest.hexdigest()


def _prepare(checkpoints: Path, identity: str, *, resume: bool) -> str | None:
    """The checkpoint to go on from; without one, an empty place for checkpoints."""
    state = _state(checkpoints)
    found = resumable_checkpoint(checkpoints) if resume and state.get("identity") == identity else None
    if found is None:
        shutil.rmtree(checkpoints, ignore_errors=True)
        checkpoints.mkdir(parents=True)
        publish_json(checkpoints / STATE, {"identity": identity})
    return found


def _untouched(checkpoints: Path, identity: str, measure: Callable[[], float], *, resumed: bool) -> float:
    """The metric before the first step; remembered across a resume."""
    known = _state(checkpoints).get("untouched") if resumed else None
    if known is None:
        known = measure()
        publish_json(checkpoints / STATE, {"identity": identity, "untouched": known})
    return float(known)


def _state(checkpoints: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((checkpoints / STATE).read_text()))
    except (OSError, ValueError):
        return {}


def _check_finite(model: Any) -> None:
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and not bool(parameter.isfinite().all()):
            raise TrainingError(
                f"found weights that are not finite in {name}, expected finite numbers; nothing was saved: "
                "lower the learning rate"
            )


def _publish(model: Any, output: Path, base: Path) -> None:
    """The adapter as one new directory, whole or not at all."""
    with new_directory(output) as directory:
        model.save_pretrained(directory)
        (directory / "README.md").unlink(missing_ok=True)
        # The path of the base on this machine says nothing on another.
        config = json.loads((directory / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = base.name
        (directory / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        shutil.rmtree(output, ignore_errors=True)
