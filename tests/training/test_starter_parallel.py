"""Several processes train one starter."""

import multiprocessing
import os
import socket

import torch

from training.starter.parallel import average, join, wait


def member(number: int, port: int, results: multiprocessing.Queue) -> None:
    os.environ |= {"RANK": str(number), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    process, processes = join()
    tensors = [torch.full((2, 3), float(number)), torch.tensor([10.0 * number])]
    average(tensors, processes)
    wait(processes)
    results.put((process, [tensor.tolist() for tensor in tensors]))


def test_all_processes_get_the_mean():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    members = [context.Process(target=member, args=(number, port, results), daemon=True) for number in range(2)]
    for one in members:
        one.start()
    found = sorted(results.get(timeout=120) for _ in members)
    for one in members:
        one.join(timeout=60)
    assert found == [(number, [[[0.5] * 3] * 2, [5.0]]) for number in range(2)]


def test_alone_nothing_changes(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    tensor = torch.ones(2)
    process, processes = join()
    average([tensor], processes)
    wait(processes)
    assert (process, processes, tensor.tolist()) == (0, 1, [1.0, 1.0])
