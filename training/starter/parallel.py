"""The starter's training in several processes, one a core: ``torchrun --nproc-per-node 2 -m training.starter.build …``.

At this size most of a step is too small for threads. Without torchrun there is one process, and
nothing here does anything.
"""

import os
from typing import Any


def join() -> tuple[int, int]:
    """This process's number, and how many there are."""
    import torch.distributed as distributed

    if "WORLD_SIZE" not in os.environ:
        return 0, 1
    distributed.init_process_group("gloo")
    return distributed.get_rank(), distributed.get_world_size()


def wait(processes: int) -> None:
    """Until all processes are here."""
    import torch.distributed as distributed

    if processes > 1:
        distributed.barrier()


def average(tensors: list[Any], processes: int) -> None:
    """Set tensors to their mean over the processes."""
    import torch
    import torch.distributed as distributed

    if processes == 1:
        return
    together = torch.cat([tensor.flatten() for tensor in tensors])
    distributed.all_reduce(together)
    together /= processes
    for tensor, mean in zip(tensors, torch.split(together, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))
