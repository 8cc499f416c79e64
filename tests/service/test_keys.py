import json
import stat

import pytest

from retrieval.errors import InputError, NotFound, StorageError
from service.keys import Keys


@pytest.fixture
def keys(tmp_path) -> Keys:
    return Keys(tmp_path / "keys.json")


def test_a_key_proves_itself_and_nothing_like_it_does(keys):
    key, shown = keys.create("ann", ["chat"])
    other, _ = keys.create("bob", ["admin"])
    assert keys.check(shown) == key
    assert keys.check(shown) == key, "also by memory"
    assert (key.allows("chat"), key.allows("ingest")) == (True, False)
    assert other.allows("train"), "admin may do everything"
    assert [one.name for one in keys.all()] == ["ann", "bob"]
    for wrong in (
        shown[:-1],
        shown + "a",
        shown.replace(key.id, other.id),
        shown.replace(key.id, ""),
        key.id,
        "",
        "lk--",
    ):
        assert keys.check(wrong) is None
        assert keys.check(wrong) is None


def test_the_file_holds_no_key_and_is_its_owner_s(keys, tmp_path):
    key, shown = keys.create("ann", ["chat"])
    path = tmp_path / "keys.json"
    secret = shown.split(f"-{key.id}-")[1]  # which may hold hyphens itself
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_revoked_key_is_refused_by_a_service_that_runs(keys, tmp_path):
    service = Keys(tmp_path / "keys.json")
    key, shown = keys.create("ann", ["chat"])
    assert service.check(shown) == key
    assert service.link_secret()
    keys.revoke(key.id)
    assert service.check(shown) is None
    assert service.all() == []
    assert service.link_secret() == b"", "no links without keys"


def test_what_is_not_there_is_told(keys):
    with pytest.raises(NotFound, match="none"):
        keys.revoke("12345678")
    with pytest.raises(InputError, match="everything"):
        keys.create("ann", ["chat", "everything"])
    with pytest.raises(InputError, match="none"):
        keys.create("ann", [])
    assert keys.all() == []


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"keys": [{"id": 3}], "links": ""})])
def test_a_damaged_file_lets_nobody_in(keys, tmp_path, content):
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(StorageError, match="keys"):
        keys.check("lk-1-2")
