"""JSON, YAML and TOML as text; what is malformed as data is taken as text; bombs are refused."""

import json

import pytest

from retrieval.errors import InputError
from retrieval.parsing.records import parse_json, parse_toml, parse_yaml

MANY = 1_000_000


def test_keys_become_headings_and_objects_rows() -> None:
    value = {
        "title": "Pumps", "since": 2026, "on": True, "tags": ["water", "oil"], "none": None,
        "parts": [{"name": "Pump", "price": 42}, {"name": "Valve", "price": 7.5}],
        "care": {"daily": {"what": "Oil it."}},
    }  # fmt: skip
    document = parse_json("a.json", json.dumps(value).encode(), max_characters=MANY)
    assert document.title == "Pumps"
    assert document.text == (
        "title: Pumps\nsince: 2026\non: true\ntags: water, oil\n\nparts\n\n"
        "name: Pump; price: 42\nname: Valve; price: 7.5\n\n"
        "care\n\ndaily\n\nwhat: Oil it."
    )
    assert [(h.level, h.text) for h in document.headings] == [(1, "parts"), (1, "care"), (2, "daily")]
    assert all(document.text.startswith(h.text, h.start) for h in document.headings)


def test_several_values_and_no_json() -> None:
    assert parse_json("a.json", b'{"a": 1}\n{"a": 2}\n', max_characters=MANY).text == "a: 1\na: 2"
    assert parse_json("a.json", b'{"a": 1, // why\n', max_characters=MANY).text == '{"a": 1, // why'


def test_yaml_is_taken_as_it_is_written() -> None:
    source = (
        b"version: 1.10\nanswer: no\nday: 2026-01-02\nbase: &b\n  x: 1\nmore:\n  <<: *b\n  y: |\n    two\n    lines\n"
    )
    document = parse_yaml("a.yaml", source, max_characters=MANY)
    assert document.text == (
        "version: 1.10\nanswer: no\nday: 2026-01-02\n\nbase\n\nx: 1\n\nmore\n\nx: 1\n\ny: two\nlines"
    )
    assert parse_yaml("a.yaml", b"a: 1\n---\na: 2\n", max_characters=MANY).text == "a: 1\na: 2"
    template = b"{{- if .Values.x }}\na: {{ .b }}\n{{- end }}\n"
    assert parse_yaml("a.yaml", template, max_characters=MANY).text == template.decode().strip()


def test_toml() -> None:
    document = parse_toml("a.toml", b'[project]\nname = "pump"\nversion = "1.10"\n', max_characters=MANY)
    assert document.text == "project\n\nname: pump\nversion: 1.10"
    assert parse_toml("a.toml", b"no = toml = at all", max_characters=MANY).text == "no = toml = at all"


def test_bombs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(InputError, match="found more than"):
        parse_yaml("a.yaml", "\n".join(lines).encode(), max_characters=MANY)
    with pytest.raises(InputError, match="nested more than 100 deep"):
        parse_yaml("a.yaml", b"[" * 5000, max_characters=MANY)
    with pytest.raises(InputError, match="nested more than 100 deep"):
        parse_json("a.json", b"[" * 500 + b"]" * 500, max_characters=MANY)
    with pytest.raises(RecursionError):  # told by the child process
        parse_json("a.json", b"[" * 100_000, max_characters=MANY)


def test_a_value_that_holds_itself_is_refused() -> None:
    with pytest.raises(InputError, match="nested more than 100 deep"):
        parse_yaml("a.yaml", b"a: &a\n  b: *a\n", max_characters=MANY)
