"""The amounts that are told beforehand are those of a real training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from retrieval.embedder import load_embedder
from training.data.contrastive import ContrastiveRow
from training.data.supervised import SupervisedRow
from training.embedder.training import train_embedder
from training.estimate.amounts import embedder_amounts, generator_amounts, tokens_at_once
from training.generator.files import load_tokenizer
from training.generator.rows import encode_row
from training.generator.training import train_generator
from training.settings import EmbedderTraining, GeneratorTraining


@pytest.mark.parametrize("cores", [1, 2])
def test_of_a_generator(
    cores: int,
    tiny_model_path: Path,
    supervised: Sequence[SupervisedRow],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.generator.training.parallel_cores", lambda *_: cores)
    settings = GeneratorTraining(epochs=2, batch_size=4, evaluations=2, rank=2, alpha=2, patience=9)
    measured: list[Any] = []
    events: list[dict[str, Any]] = []

    def validate(generator: Any) -> float:
        measured.append(generator)
        return float(-len(measured))

    result = train_generator(
        tiny_model_path, supervised, validate, tmp_path / "a", settings, abstention="No.", events=events.append
    )
    tokenizer = load_tokenizer(tiny_model_path)
    lengths = [len(encode_row(tokenizer, row).input_ids) for row in supervised]
    amounts = generator_amounts(lengths, settings, cores=cores)
    assert (amounts.steps, amounts.measured) == (result.steps, len(measured))
    assert amounts.evaluations == sum("eval_score" in one for one in events) - 1
    read = max(one["tokens"] for one in events if "tokens" in one)
    assert amounts.tokens == pytest.approx(read, rel=0.1)
    assert amounts.at_once == (2 * 512 if cores == 2 else 4 * max(lengths))


def test_of_an_embedder(tiny_embedders: list[Path], contrastive: Sequence[ContrastiveRow], tmp_path: Path) -> None:
    settings = EmbedderTraining(epochs=2, batch_size=4, evaluations=2, patience=9)
    embedder = load_embedder(tiny_embedders[0])
    measured: list[Any] = []
    events: list[dict[str, Any]] = []

    def metric(_: Any) -> float:
        measured.append(_)
        return 0.5

    result = train_embedder(
        embedder.sentence_transformer(),
        contrastive,
        metric,
        tmp_path / "e",
        settings,
        seed=1,
        events=events.append,
    )
    tokenizer = embedder.sentence_transformer().tokenizer
    amounts = embedder_amounts(contrastive, lambda text: len(tokenizer(text)["input_ids"]), settings, seed=1)
    assert (amounts.steps, amounts.measured) == (result.steps, len(measured))
    assert amounts.tokens == pytest.approx(max(one["tokens"] for one in events if "tokens" in one), rel=0.2)


def test_smaller_micro_batches_compute_less_at_once(contrastive: Sequence[ContrastiveRow]) -> None:
    whole, half = (GeneratorTraining(batch_size=4, micro_batch=size) for size in (None, 2))
    found = [generator_amounts([10, 20, 30, 40], one, cores=1) for one in (whole, half)]
    assert [one.at_once for one in found] == [160, 80]
    assert found[0].tokens == 160 * 3
    assert found[1].tokens <= 140 * 3, "less padding, too"
    assert tokens_at_once([600, 700], cores=2) == 1400
    assert tokens_at_once([600, 700], cores=1) == 1400

    def count(text: str) -> int:
        return len(text.split())

    batches = [EmbedderTraining(batch_size=8, mini_batch_size=size) for size in (8, 4, 2)]
    sizes = [embedder_amounts(contrastive, count, one, seed=1).at_once for one in batches]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3
