"""Vector instructions asked for by name, where the compiler does not find them in a loop.

LLVM splits vectors that are longer than the processor's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

__all__ = [
    "FLAGS", "compared", "constant", "data_of", "everywhere", "fetch", "has_feature",
    "has_long_vectors", "index", "instruction", "is_whole", "larger", "load", "reduced", "shifted",
    "store", "vector",
]  # fmt: skip

# Of single operations, as `FASTMATH` of whole kernels.
FLAGS = ("contract", "nsz")

_FLOAT = ir.FloatType()
_INT32 = ir.IntType(32)


def has_feature(name: str) -> bool:
    """Whether the processor that Numba compiles for has what LLVM calls by this name."""
    features: str = cpu_target.target_context.codegen().magic_tuple()[2]
    return f"+{name}" in features.split(",")


def has_long_vectors() -> bool:
    """Whether Numba compiles for AVX-512: 32 registers of 16 floats, and shifts across them."""
    return has_feature("avx512f")


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's ``intrinsic``: a function for kernels that gives its type and its LLVM code."""
    made: Callable[..., Any] = intrinsic(function)
    return made


def vector(lanes: int) -> ir.VectorType:
    """Type of `lanes` floats."""
    return ir.VectorType(_FLOAT, lanes)


def constant(values: Sequence[float]) -> ir.Constant:
    """A vector of these floats."""
    return ir.Constant(vector(len(values)), list(values))


def index(value: int) -> ir.Constant:
    """A number to add to a place in an array."""
    return ir.Constant(ir.IntType(64), value)


def everywhere(builder: Any, value: Any, lanes: int) -> Any:
    """A vector that holds one number in all lanes."""
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, _INT32(0))
    zeros = ir.Constant(ir.VectorType(_INT32, lanes), [0] * lanes)
    return builder.shuffle_vector(first, undefined, zeros)


def shifted(builder: Any, first: Any, second: Any, by: int) -> Any:
    """The lanes from `by` on of two vectors that follow one another."""
    lanes = first.type.count
    chosen = ir.Constant(ir.VectorType(_INT32, lanes), list(range(by, by + lanes)))
    return builder.shuffle_vector(first, second, chosen)


def is_whole(values: Any) -> bool:
    """Whether a vector is of whole numbers, with a sign, and not of floats."""
    return isinstance(values.type.element, ir.IntType)


def compared(builder: Any, how: str, one: Any, other: Any) -> Any:
    """One bit a lane: how the numbers of two vectors compare, none a NaN."""
    compare = builder.icmp_signed if is_whole(one) else builder.fcmp_ordered
    return compare(how, one, other)


def larger(builder: Any, one: Any, other: Any) -> Any:
    """The larger number in every lane."""
    return builder.select(compared(builder, ">", one, other), one, other)


def reduced(builder: Any, operation: str, values: Any) -> Any:
    """One number of all lanes: ``"add"``, ``"smax"`` or ``"fmax"``, as LLVM's reductions."""
    suffix = "i32" if is_whole(values) else "f32"
    function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
        builder.module,
        ir.FunctionType(values.type.element, [values.type]),
        f"llvm.vector.reduce.{operation}.v{values.type.count}{suffix}",
    )
    return builder.call(function, [values])


def data_of(
    context: Any, builder: Any, signature: Any, arguments: Sequence[Any], *places: int
) -> list[Any]:
    """Where the samples of the array arguments at these places are."""
    return [
        context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in places
    ]


def _at(builder: Any, data: Any, place: Any, lanes: int) -> Any:
    pointer = builder.gep(data, [place])
    return builder.bitcast(pointer, ir.VectorType(pointer.type.pointee, lanes).as_pointer())


def load(builder: Any, data: Any, place: Any, lanes: int) -> Any:
    """`lanes` numbers of 32 bits from `place` on, which need not be aligned."""
    return builder.load(_at(builder, data, place, lanes), align=4)


def store(builder: Any, value: Any, data: Any, place: Any) -> None:
    """Write a vector from `place` on, which need not be aligned."""
    builder.store(value, _at(builder, data, place, value.type.count), align=4)


@instruction
def fetch(typing_context, samples, place):  # type: ignore[no-untyped-def]
    """Ask for the cache line of ``samples[place]``, which may lie outside, without waiting."""
    signature = types.void(samples, place)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (data,) = data_of(context, builder, signature, arguments, 0)
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [address.type, _INT32, _INT32, _INT32])
        prefetch = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, kind, "llvm.prefetch.p0i8"
        )
        # To read, data, into the second cache: the first one is full of the present window.
        builder.call(prefetch, [address, _INT32(0), _INT32(2), _INT32(1)])
        return context.get_dummy_value()

    return signature, generate
