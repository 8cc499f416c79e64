"""Writes the compound files (MS-CFB) that old Office formats are, with small streams only."""

import struct
from dataclasses import dataclass
from itertools import pairwise

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_CUTOFF = 4096
Tree = dict[str, "bytes | Tree"]


@dataclass
class _Entry:
    name: str
    kind: int
    data: bytes = b""
    sibling: int = _FREE
    child: int = _FREE
    start: int = 0
    size: int = 0

    def packed(self) -> bytes:
        name = self.name.encode("utf-16-le")
        head = struct.pack("<64sHBBIII", name, len(name) + 2, self.kind, 1, _FREE, self.sibling, self.child)
        return head + struct.pack("<36xIQ", self.start, self.size)


class _Chains:
    """Sectors of one size, and for each the number of the one that follows."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.data = b""
        self.next: list[int] = []

    def store(self, data: bytes) -> int:
        if not data:
            return _END
        first, count = len(self.next), -(-len(data) // self.size)
        self.data += data.ljust(count * self.size, b"\0")
        self.next += [*range(first + 1, first + count), _END]
        return first


def compound_file(tree: Tree) -> bytes:
    """A file with these streams and, where the value is a dictionary, storages."""
    entries = [_Entry("Root Entry", _ROOT)]

    def add(children: Tree) -> int:
        """Entries of one storage, each the right sibling of the one before; the first one's number."""
        numbers = []
        for name, content in children.items():
            number = len(entries)
            numbers.append(number)
            if isinstance(content, dict):
                entries.append(_Entry(name, _STORAGE))
                entries[number].child = add(content)
            else:
                assert len(content) < _CUTOFF
                entries.append(_Entry(name, _STREAM, content))
        for left, right in pairwise(numbers):
            entries[left].sibling = right
        return numbers[0] if numbers else _FREE

    entries[0].child = add(tree)
    large, small = _Chains(512), _Chains(64)
    for entry in entries:
        if entry.kind == _STREAM:
            entry.start, entry.size = small.store(entry.data), len(entry.data)
    entries[0].start, entries[0].size = large.store(small.data), len(small.data)
    small_table = large.store(struct.pack(f"<{len(small.next)}I", *small.next))
    directory = large.store(b"".join(entry.packed() for entry in entries))
    assert len(large.next) < 128
    fat = len(large.next)
    table = struct.pack("<128I", *large.next, _FAT, *[_FREE] * (127 - fat))
    counts = (0, 1, directory, 0, _CUTOFF, small_table, 1, _END, 0, fat)
    header = struct.pack("<8s16xHHHHH6x10I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, *counts)
    return header.ljust(512, b"\xff") + large.data + table
