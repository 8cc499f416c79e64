import errno
import json
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import StorageError
from training.data.contrastive import ContrastiveRow
from training.data.summary import save, summarise
from training.data.supervised import SupervisedRow


def words(text: str) -> int:
    return len(text.split())


def supervised(
    key: str, position: int | None = 1, *, answerable: bool = True, length: int = 5, weak: bool = False
) -> SupervisedRow:
    return SupervisedRow(
        example_id=key,
        messages=({"role": "system", "content": "s"}, {"role": "user", "content": f"{key} " + "w " * (length - 3)}),
        completion="x",
        passages=("a#0", "b#0"),
        answerable=answerable,
        oracle_present=position is not None,
        oracle_position=position,
        oracle_positions=() if position is None else (position,),
        oracle_retrieved=answerable,
        split="train",
        weak=weak,
    )


def contrastive(key: str, *negatives: str) -> ContrastiveRow:
    return ContrastiveRow(
        key, f"anchor {key}", "p p p", negatives, "p#0", tuple("n#0" for _ in negatives), ("p",), "train", False
    )


def test_figures_of_supervised_rows() -> None:
    rows = [supervised("a", 1), supervised("b", 2, length=40), supervised("c", None, weak=True)]
    rows += [supervised("d", None, answerable=False, length=100), supervised("a", 1)]
    summary = summarise({"train": rows[:4], "validation": rows[4:]}, count=words, token_limit=50, seed=0)
    assert (summary["kind"], summary["rows"]) == ("supervised", {"train": 4, "validation": 1})
    assert (summary["tokens"]["count"], summary["tokens"]["mean"], summary["tokens"]["median"]) == (5, 31.0, 5)
    assert (summary["tokens"]["p95"], summary["tokens"]["longest"]) == (100, 100)
    assert summary["tokens"]["histogram"] == [("0-32", 3), ("33-64", 1), ("65-128", 1)]
    assert (summary["truncated"], summary["token_limit"], summary["duplicates"], summary["weak"]) == (1, 50, 1, 1)
    assert (summary["unanswerable_share"], summary["abstention_share"]) == (0.2, 0.4)
    assert summary["balance"] == {
        "target": {"answer": 3, "abstention, unanswerable": 1, "abstention, oracle left out": 1},
        "oracle_position": {"1": 2, "2": 1},
        "passages": {"2": 5},
        "oracle_retrieved": {"yes": 4},
    }


def test_figures_of_contrastive_rows() -> None:
    rows = [contrastive("a", "n " * 70), contrastive("b"), contrastive("b")]
    summary = summarise({"train": rows}, count=words, token_limit=64, seed=0)
    assert summary["kind"] == "contrastive"
    assert (summary["tokens"]["count"], summary["truncated"], summary["duplicates"]) == (7, 1, 1)
    assert (summary["unanswerable_share"], summary["abstention_share"]) == (None, None)
    assert summary["balance"] == {
        "negatives": {"0": 2, "1": 1},
        "rows_per_example": {"1": 1, "2": 1},
        "rows_per_positive": {"3": 1},
    }


def test_ten_samples_by_the_seed() -> None:
    rows = {"train": [supervised(f"q{i}") for i in range(40)], "validation": [supervised("v")]}

    def drawn(seed: int) -> list[str]:
        return [sample["example_id"] for sample in summarise(rows, count=words, token_limit=9, seed=seed)["samples"]]

    assert len(set(drawn(1))) == 10
    assert drawn(1) == drawn(1) != drawn(2)
    few = summarise({"train": rows["train"][:3]}, count=words, token_limit=9, seed=0)["samples"]
    assert [sample["example_id"] for sample in few] == ["q0", "q1", "q2"]
    assert few[0]["messages"][0] == {"role": "system", "content": "s"}


def test_a_summary_is_json() -> None:
    for rows in ([supervised("a", None)], [contrastive("a", "n")]):
        summary = summarise({"train": rows}, count=words, token_limit=9, seed=0)
        assert json.loads(json.dumps(summary))["rows"] == {"train": 1}


def test_each_text_is_counted_once() -> None:
    counted: list[str] = []

    def count(text: str) -> int:
        counted.append(text)
        return 1

    summarise({"train": [contrastive("a", "n"), contrastive("b", "n")]}, count=count, token_limit=9, seed=0)
    assert sorted(counted) == ["anchor a", "anchor b", "n", "p p p"]


def test_rows_of_one_kind_are_needed() -> None:
    for rows in ({"train": []}, {"train": [supervised("a"), contrastive("a")]}):
        with pytest.raises(ValueError, match="of one kind"):
            summarise(rows, count=words, token_limit=9, seed=0)
        with pytest.raises(ValueError, match="of one kind"):
            save(rows, Path("unused"))


@pytest.mark.parametrize(
    "row", [supervised("a", 2), supervised("b", None), contrastive("a", "n", "m"), contrastive("b")]
)
def test_saved_as_a_hugging_face_data_set(tmp_path: Path, row: Any) -> None:
    from datasets import DatasetDict

    save({"train": [row], "validation": []}, tmp_path / "rows" / "here")
    assert [path.name for path in (tmp_path / "rows").iterdir()] == ["here"]
    loaded = DatasetDict.load_from_disk(str(tmp_path / "rows" / "here"))
    assert {name: len(own) for name, own in loaded.items()} == {"train": 1, "validation": 0}
    (sample,) = summarise({"train": [row]}, count=words, token_limit=9, seed=0)["samples"]
    assert {"split": sample["split"], **loaded["train"][0]} == sample


def test_saving_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import DatasetDict

    save({"train": [contrastive("a")]}, tmp_path / "there")
    with pytest.raises(StorageError, match="already there"):
        save({"train": [contrastive("b")]}, tmp_path / "there")
    assert DatasetDict.load_from_disk(str(tmp_path / "there"))["train"][0]["example_id"] == "a"

    def full(self: Any, path: str, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DatasetDict, "save_to_disk", full)
    with pytest.raises(StorageError, match="disk is full"):
        save({"train": [contrastive("b")]}, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
