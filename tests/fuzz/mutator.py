"""Damage to files, drawn from a seed: the same seed damages the same bytes in the same way."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["generator", "mutate", "with_png_checksums"]

Random = np.random.Generator
_LENGTHS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1)
_WORDS = (
    *(b"nan", b"inf", b"-inf", b"1e400", b"-1", b"0", b"1e30", b"-0.0", b"4294967296", b"1e-400"),
    *(b"", b"null", b"true", b"[]", b"{}", b'"x"', b"\xff", b"\x00", b"99999999999999999999"),
)
_WORD = re.compile(rb"[-+.\w]+")
# The places that decide how the rest is read lie in front more often than anywhere else.
_FRONT = 512


def generator(*numbers: int) -> Random:
    """What one case draws from."""
    return np.random.default_rng(list(numbers))


def _place(data: bytearray, rng: Random) -> int:
    end = min(len(data), _FRONT) if rng.random() < 0.5 else len(data)
    return int(rng.integers(end)) if end else 0


def _piece(data: bytearray, rng: Random) -> slice:
    start = _place(data, rng)
    return slice(start, start + 1 + int(min(rng.geometric(0.05), 256)))


def _flip_bits(data: bytearray, rng: Random, _: bytes) -> None:
    for _n in range(int(rng.integers(1, 9))):
        if data:
            data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def _set_bytes(data: bytearray, rng: Random, _: bytes) -> None:
    for _n in range(int(rng.integers(1, 5))):
        if data:
            data[_place(data, rng)] = int(rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF)))


def _truncate(data: bytearray, rng: Random, _: bytes) -> None:
    del data[_place(data, rng) :]


def _delete(data: bytearray, rng: Random, _: bytes) -> None:
    del data[_piece(data, rng)]


def _insert(data: bytearray, rng: Random, _: bytes) -> None:
    place, n = _place(data, rng), int(min(rng.geometric(0.05), 256))
    data[place:place] = rng.bytes(n) if rng.random() < 0.5 else bytes([data[place]] if data else 0)


def _duplicate(data: bytearray, rng: Random, _: bytes) -> None:
    piece = bytes(data[_piece(data, rng)]) * int(rng.integers(1, 4))
    place = _place(data, rng)
    if rng.random() < 0.5:
        data[place:place] = piece
    else:
        data[place : place + len(piece)] = piece


def _spoil_magic(data: bytearray, rng: Random, _: bytes) -> None:
    for _n in range(int(rng.integers(1, 5))):
        if data:
            data[int(rng.integers(min(len(data), 16)))] = int(rng.integers(256))


def _spoil_length(data: bytearray, rng: Random, _: bytes) -> None:
    size = int(rng.choice((1, 2, 4, 8)))
    value = int(rng.choice(np.array(_LENGTHS, object))) & (256**size - 1)
    place = _place(data, rng)
    if rng.random() < 0.5:
        place -= place % size
    order = "little" if rng.random() < 0.5 else "big"
    data[place : place + size] = value.to_bytes(size, order)


def _spoil_word(data: bytearray, rng: Random, _: bytes) -> None:
    words = [match.span() for match in _WORD.finditer(data[:65536])]
    if words:
        start, stop = words[int(rng.integers(len(words)))]
        data[start:stop] = _WORDS[int(rng.integers(len(_WORDS)))]


def _splice(data: bytearray, rng: Random, other: bytes) -> None:
    if other:
        data[_place(data, rng) :] = other[_place(bytearray(other), rng) :]


_KINDS: tuple[Callable[[bytearray, Random, bytes], None], ...] = (
    _flip_bits,
    _set_bytes,
    _truncate,
    _delete,
    _insert,
    _duplicate,
    _spoil_magic,
    _spoil_length,
    _spoil_length,
    _spoil_word,
    _splice,
)


def mutate(seeds: Sequence[bytes], rng: Random) -> bytes:
    """One of `seeds`, damaged in one to three ways.

    Parameters
    ----------
    seeds : sequence of bytes
        Whole files of one kind.
    rng : Generator

    Returns
    -------
    bytes
    """
    data = bytearray(seeds[int(rng.integers(len(seeds)))])
    # Mostly one: what is damaged all over is refused at once.
    for _ in range(int(rng.choice((1, 2, 3), p=(0.7, 0.2, 0.1)))):
        kind = _KINDS[int(rng.integers(len(_KINDS)))]
        kind(data, rng, seeds[int(rng.integers(len(seeds)))])
    return bytes(data)


def with_png_checksums(data: bytes) -> bytes:
    """A PNG file whose chunks have the checksums of what is in them, damaged or not."""
    made, place = bytearray(data[:8]), 8
    while place + 12 <= len(data):
        (n,) = struct.unpack(">I", data[place : place + 4])
        body = data[place + 4 : place + 8 + n]
        if len(body) < 4 + n or place + 12 + n > len(data):
            break
        made += data[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place += 12 + n
    return bytes(made) + data[place:]
