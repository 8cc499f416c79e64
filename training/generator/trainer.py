"""trl's trainer for supervised rows as Lockstep uses it: its metric, its loss, its steps.

Knows nothing about where a model comes from and goes to.
"""

from collections.abc import Callable, Sequence
from typing import Any

from training.fine_tuning import Counts
from training.generator.data_parallel import DataParallel
from training.generator.rows import MASKED

METRIC = "score"
"""The name under which the metric is logged."""


def supervised_trainer(
    measure: Callable[[Any], float],
    refusal: Sequence[int],
    refusal_weight: float,
    counts: Counts,
    parallel: DataParallel | None = None,
) -> Any:
    """The class of the trainer.

    Args:
        measure: the metric of a model.
        refusal: token ids of a refusal and of the end of the turn.
        refusal_weight: of each of its labels.
        counts: takes what is read and how much of it was predicted.
        parallel: computes the steps, where one process trains; None leaves them to the library.
    """
    from torch.nn.functional import cross_entropy
    from trl import SFTTrainer

    class Trainer(SFTTrainer):  # type: ignore[misc]
        """Evaluates by the caller's metric instead of the loss, and computes no logits in vain."""

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            metrics = {f"eval_{METRIC}": measure(self.model)}
            self.log(metrics)
            self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
            return metrics

        def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
            """As the library's, or on several cores side by side."""
            if parallel is None or num_items_in_batch is None or self.accelerator.num_processes > 1:
                return super().training_step(model, inputs, num_items_in_batch)

            def loss_of(rows: Any) -> Any:
                with self.compute_loss_context_manager():
                    return self.compute_loss(model, rows, num_items_in_batch=num_items_in_batch)

            model.train()
            trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
            return parallel.backward(loss_of, self._prepare_inputs(inputs), trained)

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            """Weighted cross-entropy, for each label; logits of the prompts, most of every row, are never made."""
            ahead = inputs["labels"][:, 1:]
            kept = (ahead != MASKED).any(dim=0).nonzero().flatten()  # columns in which some row's label counts
            logits = model(
                **{name: value for name, value in inputs.items() if name != "labels"},
                use_cache=False,
                logits_to_keep=kept,
            ).logits  # (rows, kept, vocabulary)
            targets = ahead[:, kept].flatten()
            counts.read(inputs["input_ids"].numel())
            counts.predicted((logits.detach().flatten(0, 1).argmax(-1) == targets).sum(), (targets != MASKED).sum())
            losses = cross_entropy(logits.flatten(0, 1).float(), targets, ignore_index=MASKED, reduction="none")
            total = losses @ label_weights(ahead, refusal, refusal_weight)[:, kept].flatten()
            if num_items_in_batch is None:
                return total / (targets != MASKED).sum()
            # The count is over all processes, and their gradients are averaged.
            return total / num_items_in_batch * self.accelerator.num_processes

    return Trainer


def label_weights(labels: Any, refusal: Sequence[int], weight: float) -> Any:
    """How much each label counts: ``weight`` where the labels are a refusal's, else 1.

    Args:
        labels: (rows, columns); a row may hold several answers.
        refusal: token ids from its first to the end of the turn.
    """
    import torch

    weights = torch.ones(labels.shape, device=labels.device)
    if labels.size(1) >= len(refusal):
        ids = torch.tensor(refusal, device=labels.device)
        rows, starts = (labels.unfold(1, len(ids), 1) == ids).all(-1).nonzero(as_tuple=True)
        weights[rows[:, None], starts[:, None] + torch.arange(len(ids), device=labels.device)] = weight
    return weights
