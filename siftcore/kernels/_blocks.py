"""Shapes of the blocks of products, and how the processor multiplies bytes."""

from __future__ import annotations

from typing import NamedTuple

from siftcore.kernels._vectors import has_feature, has_long_vectors

__all__ = ["BYTES", "CODES", "FLOATS", "Block", "Codes", "has_byte_products"]


class Block(NamedTuple):
    """Its rows, and its columns in vectors of so many lanes."""

    lanes: int
    vectors: int
    rows: int

    @property
    def columns(self) -> int:
        return self.lanes * self.vectors


class Codes(NamedTuple):
    """Whole numbers that stand for values, and what multiplies vectors of them.

    Attributes
    ----------
    lanes : int
        Words of four codes in a vector.
    bits : int
        Of a code. One side has a sign, half of their number taken off.
    steps : int
        Words whose products are summed up in 16 bits: as many as always fit.
    instructions : tuple of str
        Names that LLVM has for them: one from bytes to words of 32 bits, or one to 16 bits and a
        second one from there. None: the same in steps, which no processor is faster with.
    """

    lanes: int
    bits: int
    steps: int
    instructions: tuple[str, ...]

    @property
    def largest(self) -> int:
        return (1 << self.bits) - 1

    @property
    def half(self) -> int:
        return 1 << (self.bits - 1)


# By what a processor has, the fastest first. Sums of two products of 8 bits do not fit into 16, of
# four products of 7 bits and one side with a sign they do: 4 * 127 * 64 < 2**15.
_CODES = {
    "avx512vnni": Codes(16, 8, 1, ("llvm.x86.avx512.vpdpbusd.512",)),
    "avxvnni": Codes(8, 8, 1, ("llvm.x86.avx512.vpdpbusd.256",)),
    "avx512bw": Codes(16, 7, 2, ("llvm.x86.avx512.pmaddubs.w.512", "llvm.x86.avx512.pmaddw.d.512")),
    "avx2": Codes(8, 7, 2, ("llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.pmadd.wd")),
}
_ELSEWHERE = Codes(8, 8, 1, ())

CODES = next((codes for name, codes in _CODES.items() if has_feature(name)), _ELSEWHERE)

# The sums of a block fill three quarters of the registers.
FLOATS = Block(16, 2, 12) if has_long_vectors() else Block(8, 2, 6)
BYTES = Block(CODES.lanes, 2, 12 if CODES.lanes == 16 else 6)


def has_byte_products() -> bool:
    """Whether the processor that Numba compiles for multiplies bytes faster than floats."""
    return bool(CODES.instructions)
