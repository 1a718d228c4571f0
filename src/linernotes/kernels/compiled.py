"""How a kernel is compiled: once, without the interpreter's lock, kept on disk where possible.

Conventions
-----------
Signatures are explicit, so that a kernel compiles when its module is first imported and never inside a loop. What is
only read is declared so, because an index is mapped read-only. The machine code is kept beside the package or in
the user's cache folder; where neither can be written it is compiled anew in each process. Where it is kept, numba is
not even loaded (:mod:`linernotes.kernels.machine_code`).
"""

from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels import machine_code

__all__ = ["Kernel", "Kind", "compiled", "count_ones", "float_of_bits", "inner", "readable", "types", "writable"]

Function = TypeVar("Function", bound=Callable[..., Any])
_NUMBERS = ("boolean", "uint8", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "complex64")


class Kind(NamedTuple):
    """What an argument is: a number, or a contiguous array of them; named as numba names it."""

    name: str
    n_dimensions: int = 0
    written: bool = False


types = SimpleNamespace(void=Kind("void"), **{name: Kind(name) for name in _NUMBERS})
"""The kinds of numbers there are."""


def readable(kind: Kind, n_dimensions: int) -> Kind:
    """Kind of a contiguous array that is only read."""
    return kind._replace(n_dimensions=n_dimensions)


def writable(kind: Kind, n_dimensions: int) -> Kind:
    """Kind of a contiguous array that is written."""
    return kind._replace(n_dimensions=n_dimensions, written=True)


class Kernel:
    """A compiled function. Arrays that are not what it was compiled for are refused, or it would misread them."""

    __slots__ = ("_arrays", "_run", "function")

    def __init__(self, function: FunctionType, result: Kind, arguments: tuple[Kind, ...]) -> None:
        self.function = function
        self._arrays = [
            (place, np.dtype(kind.name), kind.n_dimensions, kind.written)
            for place, kind in enumerate(arguments)
            if kind.n_dimensions
        ]
        self._run = machine_code.kernel(function, result, arguments)

    def __call__(self, *arguments: Any) -> Any:
        """Run it."""
        for place, dtype, n_dimensions, written in self._arrays:
            array: NDArray[Any] = arguments[place]
            flags, fits = array.flags, array.dtype == dtype and array.ndim == n_dimensions
            if not (fits and flags.c_contiguous and flags.writeable >= written):
                raise TypeError(
                    f"{self.function.__qualname__}: argument {place} is {array.dtype} of shape {array.shape}, not "
                    f"{dtype} of {n_dimensions} dimensions, contiguous{' and writable' if written else ''}"
                )
        return self._run(*arguments)


def compiled(result: Kind, *arguments: Kind) -> Callable[[Function], Function]:
    """Compile the decorated function for one signature."""

    def decorate(function: Function) -> Function:
        return cast("Function", Kernel(cast("FunctionType", function), result, arguments))

    return decorate


def inner(function: Function) -> Function:
    """Mark a function that kernels call: it is compiled with them. Called from elsewhere, it is plain Python."""
    machine_code.INNER.add(function)
    return function


def count_ones(word: np.uint64) -> np.uint64:
    """Count the set bits of a 64-bit word; in a kernel one instruction, vectorised where the processor can."""
    return np.uint64(int(word).bit_count())


def float_of_bits(bits: np.int32) -> np.float32:
    """Return the number that 32 bits stand for."""
    return np.float32(np.int32(bits).view(np.float32))
