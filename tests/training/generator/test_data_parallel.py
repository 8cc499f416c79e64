"""A batch divided among cores: the same loss and gradients as whole."""

from typing import Any

import pytest
import torch

from training.generator.data_parallel import MOST_THREADS, DataParallel

ROWS, POSITIONS, WIDTH = 5, 7, 3


@pytest.fixture
def inputs() -> dict[str, torch.Tensor]:
    torch.manual_seed(17)
    mask = torch.arange(POSITIONS)[None] < torch.tensor([[7], [2], [4], [1], [3]])
    return {"x": torch.randn(ROWS, POSITIONS), "attention_mask": mask.long()}


@pytest.fixture
def model() -> torch.nn.Module:
    torch.manual_seed(17)
    return torch.nn.Sequential(torch.nn.Linear(1, WIDTH), torch.nn.Tanh(), torch.nn.Linear(WIDTH, 1))


def loss_by(model: Any) -> Any:
    def loss_of(rows: dict[str, torch.Tensor]) -> torch.Tensor:
        return (model(rows["x"][..., None])[..., 0] * rows["attention_mask"]).square().sum()

    return loss_of


@pytest.mark.parametrize("cores", [2, 3, MOST_THREADS, 2 * MOST_THREADS])
def test_loss_and_gradients_are_those_of_the_whole_batch(inputs, model, cores: int):
    loss_of, parameters = loss_by(model), list(model.parameters())
    expected = loss_of(inputs)
    gradients = torch.autograd.grad(expected, parameters)
    with DataParallel(cores) as parallel:
        found = parallel.backward(loss_of, inputs, parameters)
        torch.testing.assert_close(found, expected.detach())
        torch.testing.assert_close([one.grad for one in parameters], list(gradients))
        parallel.backward(loss_of, inputs, parameters)
    torch.testing.assert_close([one.grad for one in parameters], [2 * one for one in gradients])  # added up


def test_the_same_rows_give_the_same_bits(inputs, model):
    found = []
    for _ in range(5):
        model.zero_grad()
        with DataParallel(3) as parallel:
            parallel.backward(loss_by(model), inputs, list(model.parameters()))
        found.append([one.grad.tolist() for one in model.parameters()])
    assert all(one == found[0] for one in found)


def test_a_part_has_no_more_padding_than_its_longest_row(inputs, model):
    seen: list[tuple[int, ...]] = []

    def loss_of(rows: dict[str, torch.Tensor]) -> torch.Tensor:
        seen.append(tuple(rows["x"].shape))
        return loss_by(model)(rows)

    with DataParallel(2) as parallel:
        parallel.backward(loss_of, inputs, list(model.parameters()))
    assert sorted(seen) == [(2, 3), (3, 7)]


def test_what_is_computed_at_a_time_is_bounded(inputs, model, monkeypatch):
    monkeypatch.setattr("training.generator.data_parallel.PART_TOKENS", 8)
    seen: list[int] = []

    def loss_of(rows: dict[str, torch.Tensor]) -> torch.Tensor:
        seen.append(rows["x"].numel())
        return loss_by(model)(rows)

    with DataParallel(2) as parallel:
        found = parallel.backward(loss_of, inputs, list(model.parameters()))
    assert len(seen) == ROWS  # 35 positions: six parts, of a row each
    assert max(seen) <= 8
    torch.testing.assert_close(found, loss_by(model)(inputs).detach())


def test_fewer_rows_than_cores_and_what_no_row_uses(inputs, model):
    unused = torch.nn.Parameter(torch.ones(2))
    with DataParallel(4) as parallel:
        loss = parallel.backward(
            loss_by(model), {name: one[:1] for name, one in inputs.items()}, [*model.parameters(), unused]
        )
    assert loss.item() == pytest.approx(loss_by(model)({name: one[:1] for name, one in inputs.items()}).item())
    assert unused.grad.tolist() == [0, 0]


def test_torch_goes_on_using_all_cores_elsewhere_and_errors_come_through(inputs, model):
    usual = torch.get_num_threads()
    used: list[int] = []

    def loss_of(rows: dict[str, torch.Tensor]) -> torch.Tensor:
        used.append(torch.get_num_threads())
        raise ValueError("as a loss that fails")

    with DataParallel(2) as parallel, pytest.raises(ValueError, match="a loss that fails"):
        parallel.backward(loss_of, inputs, list(model.parameters()))
    assert set(used) == {1}
    assert torch.get_num_threads() == usual
