"""Data parallelism over the cores of one CPU: each computes rows of a batch of its own.

The operations of a small model are too short to be worth dividing: at the end of each a core waits
for the others, and all wait for one that another process uses. Here the cores wait for one another
once in a step. Knows nothing about the model but how its loss is computed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from retrieval.hardware import core_threads

if TYPE_CHECKING:
    from torch import Tensor

MOST_THREADS = 4
"""They share Python's lock."""
PART_TOKENS = 512
"""Tokens of a part of a batch, where its rows are not longer: what a step keeps in memory grows with them."""


class DataParallel:
    """Threads among which the cores are divided; a context that ends them.

    Args:
        cores: two or more.
    """

    def __init__(self, cores: int) -> None:
        self._count = min(cores, MOST_THREADS)
        self._threads = core_threads(self._count, "lockstep-train", cores=cores // self._count)

    def __enter__(self) -> Self:
        """Nothing to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads."""
        self._threads.shutdown()

    def backward(
        self,
        loss_of: Callable[[dict[str, "Tensor"]], "Tensor"],
        inputs: Mapping[str, "Tensor"],
        parameters: Sequence["Tensor"],
    ) -> "Tensor":
        """The loss of a batch; its gradients are added to those that the parameters have.

        Args:
            loss_of: the loss of some rows, which adds up over rows; called in several threads at once.
            inputs: each (rows, positions); padding is where ``attention_mask`` is 0, at the end.
        """
        import torch

        def part(rows: dict[str, "Tensor"]) -> tuple["Tensor", Sequence["Tensor"]]:
            loss = loss_of(rows)
            return loss.detach(), torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)

        losses, gradients = zip(*self._threads.map(part, _divided(inputs, self._count)), strict=True)
        # Added in the order of the rows, not as the threads end: the same seed gives the same weights.
        for parameter, *pieces in zip(parameters, *gradients, strict=True):
            known = [] if parameter.grad is None else [parameter.grad]
            parameter.grad = torch.stack([*known, *pieces]).sum(0)
        return torch.stack(losses).sum()


def _divided(inputs: Mapping[str, "Tensor"], threads: int) -> Iterator[dict[str, "Tensor"]]:
    """The rows in their order, in as many parts for each thread; each without padding that none of its rows needs."""
    import torch

    parts = -(-inputs["attention_mask"].numel() // (PART_TOKENS * threads)) * threads
    for rows in torch.arange(len(inputs["attention_mask"])).tensor_split(parts):
        if len(rows):
            longest = int(inputs["attention_mask"][rows].sum(1).max())
            yield {name: tensor[rows, :longest] for name, tensor in inputs.items()}
