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

MOST_PARTS = 4
"""Into which a batch is divided: the parts share Python's lock, and parts of one row use a core badly."""


class DataParallel:
    """Threads among which the cores are divided; a context that ends them.

    Args:
        cores: two or more.
    """

    def __init__(self, cores: int) -> None:
        self._parts = min(cores, MOST_PARTS)
        self._threads = core_threads(self._parts, "lockstep-train", cores=cores // self._parts)

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

        losses, gradients = zip(*self._threads.map(part, _divided(inputs, self._parts)), strict=True)
        # Added in the order of the rows, not as the threads end: the same seed gives the same weights.
        for parameter, *pieces in zip(parameters, *gradients, strict=True):
            known = [] if parameter.grad is None else [parameter.grad]
            parameter.grad = torch.stack([*known, *pieces]).sum(0)
        return torch.stack(losses).sum()


def _divided(inputs: Mapping[str, "Tensor"], parts: int) -> Iterator[dict[str, "Tensor"]]:
    """The rows in their order, each part without the padding that none of its rows needs."""
    import torch

    for rows in torch.arange(len(inputs["attention_mask"])).tensor_split(parts):
        if len(rows):
            longest = int(inputs["attention_mask"][rows].sum(1).max())
            yield {name: tensor[rows, :longest] for name, tensor in inputs.items()}
