"""The reranker over a tiny cross-encoder, and what search does with one."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from retrieval.errors import InputError
from retrieval.reranker import load_cross_encoder, load_reranker
from retrieval.search import Searcher
from retrieval.search_settings import SearchSettings
from tests.retrieval.system import Folder, System

TEXTS = ["It is red.", "The pump runs at 42 bar, and the valve opens at 7 bar.", "Blue."]


def test_it_scores_pairs_as_log_odds_and_as_shares(tiny_reranker: Path) -> None:
    reranker = load_reranker(tiny_reranker)
    logits = reranker.logits("what about the pump", TEXTS)
    assert logits.shape == (3,)
    assert len(set(logits.tolist())) == 3
    np.testing.assert_allclose(reranker("what about the pump", TEXTS), 1 / (1 + np.exp(-logits)))
    assert reranker("what about the pump", []) == []


def test_with_half_the_bits_close_scores_stay_apart(tiny_reranker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    exact = load_reranker(tiny_reranker, device="cpu").logits("what about the pump", TEXTS)
    monkeypatch.setattr("retrieval.reranker.cpu_has_bf16", lambda: True)
    found = load_reranker(tiny_reranker, device="cpu").logits("what about the pump", TEXTS)
    np.testing.assert_allclose(found, exact, atol=0.02)
    rounded = torch.from_numpy(found).bfloat16().double().numpy()
    assert not np.array_equal(found, rounded)


def test_its_fingerprint_is_of_its_content(tiny_reranker: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_reranker, other)
    assert load_reranker(other).fingerprint == load_reranker(tiny_reranker).fingerprint
    (other / "README.md").write_text("a card")
    assert load_reranker(other).fingerprint == load_reranker(tiny_reranker).fingerprint
    (other / "config.json").write_text((other / "config.json").read_text() + " ")
    assert load_reranker(other).fingerprint != load_reranker(tiny_reranker).fingerprint


def test_what_is_no_safe_cross_encoder_is_refused(
    tiny_reranker: Path, tiny_embedders: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"no \.safetensors"):
        load_reranker(tmp_path)
    foreign = tmp_path / "foreign"
    shutil.copytree(tiny_reranker, foreign)
    (foreign / "modules.json").write_text(json.dumps([{"type": "evil.Module", "path": ""}]))
    with pytest.raises(InputError, match=r"evil\.Module"):
        load_reranker(foreign)
    broken = tmp_path / "broken"
    shutil.copytree(tiny_reranker, broken)
    (broken / "model.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match="does not load"):
        load_reranker(broken).load()


def test_one_with_several_scores_is_refused(tiny_reranker: Path, tmp_path: Path) -> None:
    several = tmp_path / "several"
    shutil.copytree(tiny_reranker, several)
    config = json.loads((several / "config.json").read_text())
    labels = {"id2label": {"0": "no", "1": "yes"}, "label2id": {"no": 0, "yes": 1}}
    (several / "config.json").write_text(json.dumps(config | labels))
    weights = load_file(several / "model.safetensors")
    heads = {name: np.repeat(one, 2, axis=0) for name, one in weights.items() if name.startswith("classifier.")}
    save_file(weights | heads, several / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="2 scores"):
        load_cross_encoder(several, device="cpu")


def test_only_the_first_candidates_are_read_and_the_others_stay_behind(system: System, folder: Folder) -> None:
    read: list[Sequence[str]] = []

    def rerank(question: str, texts: Sequence[str]) -> list[float]:
        read.append(texts)
        return [0.1 * place for place in range(len(texts))]

    words = ["bar", "bar pump", "bar pump valve", "bar pump valve seal"]
    system.ingest(folder({f"{number}.md": text for number, text in enumerate(words)}))
    system.sync()
    searcher = Searcher(system.catalog, system.index, system.embedder, SearchSettings(reranked=3))
    before = [one.document_id for one in searcher.search("pump valve seal")]
    found = searcher.reranking(rerank).search("pump valve seal")
    assert [len(texts) for texts in read] == [3]
    assert [one.document_id for one in found] == [*before[:3][::-1], *before[3:]]
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert searcher.reranking(rerank).reranking(None).search("pump valve seal") == searcher.search("pump valve seal")
