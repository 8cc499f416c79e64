"""The embedder against sentence-transformers itself, and what it refuses to load."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval import embedder as module
from retrieval.embedder import Embedder, fingerprint, load_embedder
from retrieval.errors import ConfigurationError, InputError, TrainingError

ROOT = Path(__file__).parents[2]
TEXTS = [
    "Petrel 3: replace the wiper arm every 400 hours.",
    "",
    "battery " * 400,  # longer than any window
    "Zürich, 東京 and the error code E-1042",
    *(f"Procedure {i}: " + "loosen the screw, lift the cap and wait. " * (i % 7) for i in range(40)),
]

Maker = Callable[..., Path]


@pytest.fixture
def make_model(tmp_path: Path, minilm_path: Path) -> Maker:
    """Writes a tiny model of fixed random weights as sentence-transformers saves one."""

    def make(
        name: str = "tiny",
        *,
        pooling: dict[str, Any] | None = None,
        dense: int | None = None,
        settings: dict[str, Any] | None = None,
        weights: Callable[[Any], None] | None = None,
    ) -> Path:
        import torch
        from safetensors.torch import save_file
        from transformers import BertConfig, BertModel

        path = tmp_path / name
        torch.manual_seed(5)
        config = BertConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, max_position_embeddings=64
        )
        model = BertModel(config)
        if weights is not None:
            with torch.no_grad():
                weights(model)
        model.save_pretrained(path)
        for file in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
            shutil.copy(minilm_path / file, path / file)
        types = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
        modules = [
            {
                "idx": i,
                "name": str(i),
                "path": f"{i}_{kind}" if i else "",
                "type": f"sentence_transformers.models.{kind}",
            }
            for i, kind in enumerate(types)
        ]
        for entry in modules[1:]:
            (path / entry["path"]).mkdir()
        write_json(path / "modules.json", modules)
        write_json(path / "sentence_bert_config.json", {"max_seq_length": 48, "do_lower_case": False})
        write_json(path / "config_sentence_transformers.json", settings or {})
        write_json(
            path / "1_Pooling" / "config.json",
            {"word_embedding_dimension": 32} | (pooling or {"pooling_mode_mean_tokens": True}),
        )
        if dense:
            config_json = {
                "in_features": 32,
                "out_features": dense,
                "bias": True,
                "activation_function": "torch.nn.Tanh",
            }
            write_json(path / "2_Dense" / "config.json", config_json)
            tensors = {"linear.weight": torch.randn(dense, 32), "linear.bias": torch.randn(dense)}
            save_file(tensors, path / "2_Dense" / "model.safetensors")
        return path

    return make


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.einsum("nd,nd->n", left, right) / norms


def test_vectors_are_those_of_sentence_transformers(embedder: Embedder) -> None:
    counts: list[int] = []
    vectors = embedder.encode_passages(TEXTS, progress=counts.append)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-6)
    assert sum(counts) == len(TEXTS)
    assert len(counts) > 1  # in several batches, put back in order
    expected = embedder.sentence_transformer().encode(TEXTS)
    assert cosines(vectors, expected).min() > 0.999
    assert cosines(embedder.encode_questions(TEXTS[:1]), expected[:1]).min() > 0.999


@pytest.mark.parametrize("pooling", [{"pooling_mode": "mean"}, {"pooling_mode_cls_token": True}])
def test_a_plain_encoder_gives_what_the_library_gives(make_model: Maker, pooling: dict[str, Any]) -> None:
    path = make_model(pooling=pooling)
    one = load_embedder(path)
    assert one._files.pooling is not None
    assert cosines(one.encode_passages(TEXTS), one.sentence_transformer().encode(TEXTS)).min() > 0.999


def test_what_is_not_plain_is_left_to_the_library(make_model: Maker) -> None:
    def pooling(name: str, **fields: Any) -> str | None:
        return module.inspect(make_model(name, **fields)).pooling

    assert pooling("max", pooling={"pooling_mode_max_tokens": True}) is None
    assert pooling("two", pooling={"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": True}) is None
    assert pooling("prompt", pooling={"pooling_mode_mean_tokens": True, "include_prompt": False}) is None
    assert pooling("dense", dense=8) is None


def test_a_question_needs_no_library_beside_transformers(minilm_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from retrieval.embedder import load_embedder\n"
        "load_embedder(Path(sys.argv[1])).encode_questions(['How long?'])\n"
        "print(sorted({'sentence_transformers', 'sklearn', 'pandas', 'datasets', 'peft'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", program, str(minilm_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_nothing_to_encode(embedder: Embedder) -> None:
    assert embedder.encode_passages([]).shape == (0, 384)


def test_similar_texts_are_similar(embedder: Embedder) -> None:
    question = embedder.encode_questions(["How long does the battery last?"])
    passages = embedder.encode_passages(["The battery runs for nine hours.", "Paint the fence blue."])
    near, far = (passages @ question[0]).tolist()
    assert near > far + 0.3


def test_sentence_transformer_is_float32_and_new_each_time(embedder: Embedder) -> None:
    import torch

    first, second = embedder.sentence_transformer(), embedder.sentence_transformer()
    assert first.dtype == torch.float32
    assert first is not second
    assert first.max_seq_length == embedder.max_tokens == 256


def test_several_threads_get_the_same_vectors(embedder: Embedder) -> None:
    expected = embedder.encode_passages(TEXTS)
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(embedder.encode_passages, [TEXTS] * 4):
            np.testing.assert_array_equal(found, expected)


def test_torch_keeps_its_threads(make_model: Maker) -> None:
    import torch

    before = torch.get_num_threads()
    load_embedder(make_model(), device="cpu").load()
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(torch.get_num_threads).result() == torch.get_num_threads() == before


def test_fingerprint_and_import_need_no_torch(minilm_path: Path) -> None:
    code = (
        "import sys; from retrieval.embedder import load_embedder\n"
        f"embedder = load_embedder({str(minilm_path)!r})\n"
        "print(embedder.fingerprint, embedder.dimension, embedder.max_tokens)\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & sys.modules.keys()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.split() == [fingerprint(minilm_path), "384", "256"]


def test_equal_content_has_one_fingerprint_wherever_it_lies(make_model: Maker, tmp_path: Path) -> None:
    path = make_model()
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(path, copy)
    (copy / "README.md").write_text("another card")
    (copy / "trainer_state.json").write_text("{}")
    (copy / "checkpoint-10").mkdir()
    (copy / "checkpoint-10" / "model.safetensors").write_bytes(b"unrelated")
    assert fingerprint(copy) == fingerprint(path) == load_embedder(copy).fingerprint
    assert len(fingerprint(path)) == 64


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "config.json",
        "modules.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "2_Dense/model.safetensors",
    ],
)
def test_one_changed_byte_is_another_embedder(name: str, make_model: Maker) -> None:
    path = make_model(dense=8)
    before = fingerprint(path)
    content = bytearray((path / name).read_bytes())
    if name.endswith(".safetensors"):
        content[-1] ^= 1
    else:
        content += b"\n"
    (path / name).write_bytes(content)
    assert fingerprint(path) != before


def test_prompts_of_the_model(make_model: Maker) -> None:
    prompts = {"query": "search the manuals: ", "document": "manual page: "}
    embedder = load_embedder(make_model(settings={"prompts": prompts}))
    reference = embedder.sentence_transformer()
    texts = ["error E42", "replace the cap"]
    questions, passages = embedder.encode_questions(texts), embedder.encode_passages(texts)
    assert cosines(questions, reference.encode_query(texts)).min() > 0.999
    assert cosines(passages, reference.encode_document(texts)).min() > 0.999
    assert cosines(questions, passages).max() < 0.999


def test_prompt_left_out_of_the_pooling(make_model: Maker) -> None:
    prompts = {"query": "search the manuals: ", "document": ""}
    pooling = {"pooling_mode_mean_tokens": True, "include_prompt": False}
    embedder = load_embedder(make_model(settings={"prompts": prompts}, pooling=pooling))
    texts = ["error E42", "replace the cap of the sensor"]
    expected = embedder.sentence_transformer().encode_query(texts)
    found = embedder.encode_questions(texts)
    assert cosines(found, expected).min() > 0.999
    with_prompt = load_embedder(make_model("with", settings={"prompts": prompts})).encode_questions(texts)
    assert cosines(found, with_prompt).max() < 0.9999


@pytest.mark.parametrize(
    ("settings", "question", "passage"),
    [
        ({}, "", ""),
        ({"prompts": {"query": "q: ", "passage": "p: "}}, "q: ", "p: "),
        ({"prompts": {"query": "q: ", "document": "", "corpus": "c: "}}, "q: ", "c: "),
        ({"prompts": {"any": "a: "}, "default_prompt_name": "any"}, "a: ", "a: "),
        ({"prompts": None, "default_prompt_name": None}, "", ""),
    ],
)
def test_names_of_prompts(settings: dict[str, Any], question: str, passage: str, make_model: Maker) -> None:
    found = module.inspect(make_model(settings=settings))
    assert (found.question_prompt, found.passage_prompt) == (question, passage)


@pytest.mark.parametrize(
    ("options", "dimension"),
    [
        ({}, 32),
        ({"dense": 8}, 8),
        ({"settings": {"truncate_dim": 12}}, 12),
        ({"pooling": {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}}, 64),
        ({"pooling": {"pooling_mode": "cls", "embedding_dimension": 32}}, 32),
        ({"pooling": {"pooling_mode": ["max", "mean"]}}, 64),
        ({"pooling": {"pooling_mode": "lasttoken"}}, 32),
    ],
)
def test_kinds_of_models(options: dict[str, Any], dimension: int, make_model: Maker) -> None:
    embedder = load_embedder(make_model(**options))
    assert embedder.dimension == dimension
    vectors = embedder.encode_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), dimension)
    assert cosines(vectors, embedder.sentence_transformer().encode(TEXTS)).min() > 0.998


def test_window(make_model: Maker) -> None:
    path = make_model()
    assert load_embedder(path).max_tokens == 48
    write_json(path / "sentence_bert_config.json", {"max_seq_length": None})
    write_json(path / "tokenizer_config.json", {"model_max_length": 10**30})
    assert load_embedder(path).max_tokens == 64  # the positions that the model has
    write_json(path / "tokenizer_config.json", {"model_max_length": 40})
    embedder = load_embedder(path)
    assert embedder.max_tokens == 40
    cut, whole = embedder.encode_passages(["pump " * 38, "pump " * 500])  # 38 words and two special tokens
    np.testing.assert_allclose(cut, whole, atol=0.02)


def nothing(model: Any) -> None:
    model.embeddings.LayerNorm.weight.zero_()
    for layer in model.encoder.layer:
        layer.output.LayerNorm.weight.zero_()
        layer.output.LayerNorm.bias.zero_()


@pytest.mark.parametrize(
    "weights", [lambda model: model.embeddings.LayerNorm.weight.fill_(float("nan")), nothing], ids=["nan", "zero"]
)
def test_vectors_without_meaning_are_refused(weights: Callable[[Any], None], make_model: Maker) -> None:
    embedder = load_embedder(make_model(weights=weights))
    with pytest.raises(TrainingError, match="found 2 of 2 vectors zero or not finite"):
        embedder.encode_passages(["one", "two"])


def set_module(directory: Path, position: int, **values: Any) -> None:
    modules = json.loads((directory / "modules.json").read_text())
    modules[position] |= values
    write_json(directory / "modules.json", modules)


def pickled(path: Path) -> None:
    (path / "model.safetensors").rename(path / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda p: set_module(p, 0, type="modeling_own.Transformer"),
            "found a module of type 'modeling_own.Transformer'",
        ),
        (lambda p: set_module(p, 1, type="os.Pooling"), "code from a model directory is never run"),
        (lambda p: set_module(p, 1, type="sentence_transformers.evil.x.Pooling"), "is never run"),
        (lambda p: set_module(p, 1, type="sentence_transformers.models.WordEmbeddings"), "is never run"),
        (lambda p: set_module(p, 1, path="../outside"), "found the path '../outside', expected one inside"),
        (lambda p: write_json(p / "modules.json", []), "found no list of modules"),
        (lambda p: (p / "modules.json").unlink(), "found no .*modules.json"),
        (lambda p: (p / "modules.json").write_text("{"), "malformed JSON"),
        (
            lambda p: write_json(p / "modules.json", json.loads((p / "modules.json").read_text())[1:]),
            "expected Transformer",
        ),
        (lambda p: (p / "tokenizer.json").unlink(), "found no tokenizer.json"),
        (lambda p: (p / "config.json").unlink(), "found no .*config.json"),
        (lambda p: (p / "adapter_config.json").write_text("{}"), "found an adapter"),
        (pickled, "found pytorch_model.bin in .*pickled weights can run code"),
    ],
)
def test_what_is_not_safe_to_load(damage: Callable[[Path], Any], message: str, make_model: Maker) -> None:
    path = make_model()
    damage(path)
    with pytest.raises(InputError, match=message):
        load_embedder(path)


def test_weights_that_are_missing_or_cut_off(make_model: Maker) -> None:
    path = make_model()
    content = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="does not load"):
        load_embedder(path).encode_passages(["one"])
    (path / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"found no \.safetensors file"):
        fingerprint(path)


def test_a_model_that_is_nowhere() -> None:
    with pytest.raises(ConfigurationError, match="found no directory"):
        load_embedder("/nowhere/at/all")
    with pytest.raises(ConfigurationError, match="without a revision"):
        load_embedder("sentence-transformers/all-MiniLM-L6-v2")


def test_batches_are_bounded_by_tokens_and_hold_everything() -> None:
    lengths = [5, 300, 7, 7, 6, 100, 1]
    batches = list(module._batches(lengths, 30))
    assert sorted(i for batch in batches for i in batch) == list(range(7))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= 30
    assert batches[0] == [1]
