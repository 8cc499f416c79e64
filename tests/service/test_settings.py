from pathlib import Path

import pytest

from retrieval.errors import ConfigurationError
from service.settings import Settings, load_settings


@pytest.fixture
def read(tmp_path: Path):
    def write_and_read(text: str | bytes) -> Settings:
        path = tmp_path / "lockstep.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_settings(path)

    return write_and_read


def fault(read, text: str | bytes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_empty_file_means_the_defaults(read):
    settings = read("")
    assert settings.embedder.model == "packaged"
    assert settings.service.host == "127.0.0.1"


def test_the_environment_wins_over_the_file(read, monkeypatch):
    monkeypatch.setenv("LOCKSTEP_SEARCH__TOP_K", "7")
    monkeypatch.setenv("LOCKSTEP_TRAINING__EMBEDDER__EPOCHS", "3")
    settings = read("[search]\ntop_k = 3\ncandidates = 20\n")
    assert (settings.search.top_k, settings.search.candidates) == (7, 20)
    assert settings.training.embedder.epochs == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[search]\ntop_kk = 3", ["unknown key `search.top_kk`", "`top_k`", "lockstep.toml"]),
        ("[serach]\ntop_k = 3", ["unknown section `serach`", "`search`"]),
        ("[training.embedder]\nepoch = 3", ["`training.embedder.epoch`", "`epochs`"]),
        ('[search]\nfusion = "sum"', ["search.fusion = 'sum'", "'rrf' or 'score'"]),
        ("[search]\ntop_k = 0", ["search.top_k = 0", "greater than or equal to 1"]),
        ("search = 3", ["search = 3"]),
        ("[training.data]\nvalidation = 0.6\ntest = 0.6", ["training.data", "a rest to train on"]),
        ("[search]\n\ntop_k = = 3", ["line 3"]),
        ("[search]\ntop_k =", ["line 2"]),
        (b"[search]\n# \xff", ["line 2", "UTF-8"]),
    ],
)
def test_a_fault_is_one_line_with_its_place(read, text, expected):
    message = fault(read, text)
    assert all(part in message for part in expected), message


def test_a_fault_in_the_environment_names_the_variable(read, monkeypatch):
    monkeypatch.setenv("LOCKSTEP_SEARCH__TOP_K", "many")
    assert "LOCKSTEP_SEARCH__TOP_K" in fault(read, "")


def test_an_unknown_section_in_the_environment_is_refused(read, monkeypatch):
    monkeypatch.setenv("LOCKSTEP_SERACH__TOP_K", "3")
    assert "did you mean `search`" in fault(read, "")


def test_a_json_section_in_the_environment_that_is_not_json(read, monkeypatch):
    monkeypatch.setenv("LOCKSTEP_SEARCH", "nonsense")
    assert "search" in fault(read, "")


def test_variables_of_kubernetes_are_left_alone(read, monkeypatch):
    monkeypatch.setenv("LOCKSTEP_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("LOCKSTEP_PORT", "tcp://10.0.0.1:80")
    assert read("").service.host == "127.0.0.1"


def test_a_secret_is_not_shown(read):
    message = fault(read, "[index]\napi_key = 31415926")
    assert "31415926" not in message
    assert "index.api_key" in message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_settings(tmp_path / "lockstep.toml")


def test_a_generator_behind_a_server_needs_an_address_and_a_name(read):
    assert read('[generator]\nurl = "http://host/v1"\nmodel = "m"').generator.url == "http://host/v1"
    assert "model's name at that server" in fault(read, '[generator]\nurl = "http://host/v1"')
    assert "expected one such as http" in fault(read, '[generator]\nurl = "host:8000"\nmodel = "m"')


def test_an_encoding_is_named_as_codecs_are(read):
    assert read('[ingest]\nencoding = "windows-1251"').ingest.encoding == "cp1251"
    assert "ingest.encoding" in fault(read, '[ingest]\nencoding = "windows-9"')
    assert "Unicode is told" in fault(read, '[ingest]\nencoding = "utf-8"')
