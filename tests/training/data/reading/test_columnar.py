"""Parquet, and data sets saved in a folder."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import datasets
import pyarrow
import pytest
from pyarrow import parquet

from retrieval.errors import InputError
from training.data.reading.columnar import read_sources
from training.data.reading.faults import FaultyRow
from training.data.reading.load import load_examples


def write(path: Path, columns: dict[str, list[object]]) -> Path:
    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_parquet_keeps_types_as_far_as_json_has_them(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "text": ["a", None],
        "number": [1, 2],
        "share": [0.5, float("nan")],
        "day": [date(2026, 11, 1)] * 2,
        "price": [Decimal("1.50")] * 2,
        "many": [["x", "y"], []],
        "raw": [b"\0", b"\1"],
    }
    (source,) = read_sources(write(tmp_path / "rows.parquet", columns))
    assert source.columns == tuple(columns)
    assert not source.cells
    assert [where for where, _ in source.rows] == [f"{tmp_path}/rows.parquet, row {n}" for n in (1, 2)]
    assert all(isinstance(row, FaultyRow) for _, row in source.rows), "bytes are none"
    del columns["raw"]
    (source,) = read_sources(write(tmp_path / "rows.parquet", columns))
    assert [row for _, row in source.rows] == [
        {"text": "a", "number": 1, "share": 0.5, "day": "2026-11-01", "price": "1.50", "many": ["x", "y"]},
        {"text": None, "number": 2, "share": None, "day": "2026-11-01", "price": "1.50", "many": []},
    ]


def test_a_saved_data_set_has_its_labels_by_name_and_its_splits(tmp_path: Path) -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    parts = {
        name: datasets.Dataset.from_dict({"text": [name], "label": [label]}, features=features)
        for name, label in (("train", 1), ("test", -1))
    }
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "both"))
    sources = list(read_sources(tmp_path / "both"))
    assert [row for source in sources for _, row in source.rows] == [
        {"text": "train", "label": "yes", "split": "train"},
        {"text": "test", "label": None, "split": "test"},
    ]
    assert sources[0].columns == ("text", "label", "split")
    parts["train"].save_to_disk(str(tmp_path / "one"))
    assert [row for source in read_sources(tmp_path / "one") for _, row in source.rows] == [
        {"text": "train", "label": "yes"}
    ]


def test_examples_are_read_from_parquet(tmp_path: Path) -> None:
    path = write(tmp_path / "examples.parquet", {"question": ["How wide?"], "answers": [["9 mm"]], "split": [None]})
    (example,) = load_examples([path])
    assert (example.question, example.answers) == ("How wide?", ("9 mm",))
    assert example.provenance == f"{path}, row 1"


def test_what_is_neither_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="damaged Parquet file"):
        list(read_sources(tmp_path / "bad.parquet"))
    with pytest.raises(InputError, match="no saved data set"):
        list(read_sources(tmp_path))
    with pytest.raises(InputError, match="no saved data set"):
        load_examples([tmp_path])
