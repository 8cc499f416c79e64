"""What is done where a training does not fit, with costs that are made up."""

import pytest

from retrieval.errors import ConfigurationError
from training.estimate.amounts import Amounts
from training.estimate.fitting import fit_embedder, fit_generator, micro_batches
from training.estimate.probe import TooLarge, TrainingCost
from training.settings import EmbedderTraining, GeneratorTraining


def cost(per_token: float) -> TrainingCost:
    return TrainingCost(1, 0.1, 1, 1, resident=100, bytes_per_token=per_token, most=0, seconds=1)


def probe(settings: GeneratorTraining) -> TrainingCost:
    return cost(1.0 if settings.activation_checkpointing else 4.0)


def amounts(settings: GeneratorTraining) -> Amounts:
    return Amounts(1, 1, 1, 1, at_once=100 * (settings.micro_batch or settings.batch_size))


EIGHT = GeneratorTraining(batch_size=8)


@pytest.mark.parametrize(
    ("limit", "changes"),
    [
        (5000, {}),
        (3000, {"micro_batch": 4}),
        (600, {"micro_batch": 1}),
        (400, {"activation_checkpointing": True, "micro_batch": 2}),
        (240, {"activation_checkpointing": True, "micro_batch": 1}),
    ],
)
def test_first_smaller_micro_batches_then_checkpointing(limit: int, changes: dict[str, object]) -> None:
    found, chosen = fit_generator(EIGHT, probe, amounts, limit)
    assert chosen == changes
    assert found.peak(amounts(EIGHT.model_copy(update=changes)).at_once) <= limit


def test_what_the_user_set_stays() -> None:
    fixed = EIGHT.model_copy(update={"micro_batch": 4})
    assert fit_generator(fixed, probe, amounts, 3000)[1] == {}
    assert fit_generator(fixed, probe, amounts, 1000)[1] == {"activation_checkpointing": True}


def test_what_does_not_fit_at_all_is_refused_with_advice() -> None:
    with pytest.raises(ConfigurationError, match=r"found that training the generator needs .* GB .* max_length"):
        fit_generator(EIGHT, probe, amounts, 150)


def test_a_probe_that_is_too_large_goes_on_with_checkpointing() -> None:
    def large(settings: GeneratorTraining) -> TrainingCost:
        if not settings.activation_checkpointing:
            raise TooLarge(10**6)
        return cost(1.0)

    assert fit_generator(EIGHT, large, amounts, 5000)[1] == {"activation_checkpointing": True}


def test_the_embedder_gets_smaller_mini_batches() -> None:
    def embedded(settings: EmbedderTraining) -> Amounts:
        return Amounts(1, 1, 1, 1, at_once=100 * settings.mini_batch_size)

    settings = EmbedderTraining()
    assert fit_embedder(settings, lambda _: cost(1.0), embedded, 5000)[1] == {}
    assert fit_embedder(settings, lambda _: cost(1.0), embedded, 1100)[1] == {"mini_batch_size": 8}
    with pytest.raises(ConfigurationError, match="lora_rank"):
        fit_embedder(settings, lambda _: cost(1.0), embedded, 150)


def test_micro_batches_divide_the_batch() -> None:
    assert micro_batches(12) == [12, 6, 4, 3, 2, 1]
    with pytest.raises(ValueError, match="divisor"):
        GeneratorTraining(batch_size=8, micro_batch=3)
