"""API keys: who may do what. A key is shown once; the workspace keeps its hash.

A key is ``lk-ID-SECRET``. The secret has 256 random bits and is stored as scrypt's hash of it
(RFC 7914) with a salt of its own, in a file that only its owner reads.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retrieval.errors import InputError, NotFound, StorageError
from retrieval.files import exclusive, publish_json

SCOPES = ("chat", "ingest", "train", "admin")
"""``admin`` may do everything."""
_PREFIX = "lk"
_REMEMBERED = 256


@dataclass(frozen=True)
class Key:
    """A key as it is kept."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: str
    salt: str
    hash: str

    def allows(self, scope: str) -> bool:
        """Whether it may do what the scope covers."""
        return scope in self.scopes or "admin" in self.scopes


class Keys:
    """The keys in a file; changes by other processes are seen at the next look.

    Raises:
        StorageError: the file cannot be read, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._version: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}
        self._links = b""
        self._checked: dict[bytes, str | None] = {}
        """Digest of a presented key to the id it belongs to: scrypt is slow on purpose, once is enough."""

    def all(self) -> list[Key]:
        """Every key, oldest first."""
        with self._lock:
            self._read()
            return list(self._keys.values())

    def create(self, name: str, scopes: Sequence[str]) -> tuple[Key, str]:
        """A new key, and the text by which its owner is known: nobody can have it a second time.

        Raises:
            InputError: no scope is given, or one that does not exist.
        """
        if not scopes or (unknown := [scope for scope in scopes if scope not in SCOPES]):
            found = ", ".join(unknown) if scopes else "none"
            raise InputError(f"found scopes {found}, expected some of: {', '.join(SCOPES)}")
        salt, secret = secrets.token_bytes(16), secrets.token_urlsafe(32)
        key = Key(
            id=secrets.token_hex(4),
            name=name,
            scopes=tuple(scope for scope in SCOPES if scope in scopes),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            salt=base64.b64encode(salt).decode(),
            hash=base64.b64encode(_hash(secret, salt)).decode(),
        )
        with self._changing():
            self._keys[key.id] = key
        return key, f"{_PREFIX}-{key.id}-{secret}"

    def revoke(self, id: str) -> Key:
        """Forget a key: a service refuses it from its next request on.

        Raises:
            NotFound: there is none of this id.
        """
        with self._changing():
            if id not in self._keys:
                known = ", ".join(self._keys) or "none"
                raise NotFound(f"found no key {id}, expected one of: {known} (`lockstep keys list`)")
            return self._keys.pop(id)

    def check(self, presented: str) -> Key | None:
        """The key that a text proves; None if it proves none. Takes a tenth of a second the first time."""
        prefix, _, rest = presented.partition("-")
        id, _, secret = rest.partition("-")
        digest = hashlib.sha256(presented.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            self._read()
            key = self._keys.get(id) if prefix == _PREFIX and secret else None
            if key is None or digest in self._checked:
                return key if key is not None and self._checked[digest] == key.id else None
        right = hmac.compare_digest(_hash(secret, base64.b64decode(key.salt)), base64.b64decode(key.hash))
        with self._lock:
            while len(self._checked) >= _REMEMBERED:
                self._checked.pop(next(iter(self._checked)))
            self._checked[digest] = key.id if right else None
            return self._keys.get(key.id) if right else None  # it may have been revoked meanwhile

    def link_secret(self) -> bytes:
        """What signs links to documents for as long as there are keys; empty where there are none."""
        with self._lock:
            self._read()
            return self._links if self._keys else b""

    @contextmanager
    def _changing(self) -> Iterator[None]:
        lock = self._path.with_name(f"{self._path.stem}.lock")
        with exclusive(lock, "change the keys"), self._lock:
            self._read()
            try:
                yield
                self._links = self._links or secrets.token_bytes(32)
                content = {"links": self._links.hex(), "keys": [asdict(key) for key in self._keys.values()]}
                publish_json(self._path, content, mode=0o600)
            finally:
                self._version = None

    def _read(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._version, self._keys, self._checked = None, {}, {}
            return
        version = (found.st_mtime_ns, found.st_ino, found.st_size)
        if version == self._version:
            return
        try:
            content: Any = json.loads(self._path.read_bytes())
            keys = [Key(**{**one, "scopes": tuple(one["scopes"])}) for one in content["keys"]]
            self._links = bytes.fromhex(content["links"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"found a file of keys at {self._path} that cannot be read ({type(error).__name__}), expected the one "
                "that `lockstep keys` writes: restore it, or delete it and make new keys"
            ) from error
        self._version, self._keys, self._checked = version, {key.id: key for key in keys}, {}


def _hash(secret: str, salt: bytes) -> bytes:
    """32 bytes; 16 MiB and some 50 ms."""
    return hashlib.scrypt(secret.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1, dklen=32)
