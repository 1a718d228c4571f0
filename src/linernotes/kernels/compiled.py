"""How a kernel is compiled: once, without the interpreter's lock, kept on disk where possible.

Conventions
-----------
Signatures are explicit, so that a kernel compiles when its module is first imported and never inside a loop. What is
only read is declared so, because an index is mapped read-only. The machine code is kept beside the package or in
the user's cache folder; where neither can be written it is compiled anew in each process.

No kernel multiplies matrices or calls C, and nobody sets numba up by a file. So numba need not look, when it wakes, for
what would help it there: SciPy's linear algebra and parsers of C and YAML take as long to load as numba itself.
"""

import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

_UNUSED = [name for name in ("scipy", "yaml", "cffi") if name not in sys.modules]
for name in _UNUSED:
    sys.modules[name] = None  # type: ignore[assignment]  # Python's way to say: there is none
import numba.core.typing.cffi_utils  # noqa: E402  (looks here, and never again)
import numba.np.arraymath  # noqa: E402, F401
from numba import njit, types  # noqa: E402
from numba.extending import intrinsic  # noqa: E402

for name in _UNUSED:
    del sys.modules[name]

__all__ = ["Kernel", "compiled", "count_ones", "float_of_bits", "inner", "readable", "types", "writable"]

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def readable(kind: Any, n_dimensions: int) -> Any:
    """Type of a contiguous array that is only read."""
    return types.Array(kind, n_dimensions, "C", readonly=True)


def writable(kind: Any, n_dimensions: int) -> Any:
    """Type of a contiguous array that is written."""
    return types.Array(kind, n_dimensions, "C")


def compiled(result: Any, *arguments: Any) -> Callable[[Kernel], Kernel]:
    """Compile the decorated function for one signature."""
    signature = result(*arguments)

    def decorate(function: Kernel) -> Kernel:
        try:
            return cast("Kernel", njit(signature, nogil=True, cache=True)(function))
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            return cast("Kernel", njit(signature, nogil=True)(function))

    return decorate


def inner(function: Kernel) -> Kernel:
    """Mark a function that only kernels call: it is compiled with them, and not loaded where they are kept."""
    return cast("Kernel", njit(nogil=True)(function))


def _count_ones(_context: Any, _word: Any) -> Any:
    def emit(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), emit


count_ones = cast("Callable[[np.uint64], np.uint64]", intrinsic(_count_ones))
"""Count the set bits of a 64-bit word, inside a kernel: one instruction, vectorised where the processor can."""


def _float_of_bits(_context: Any, _word: Any) -> Any:
    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), emit


float_of_bits = cast("Callable[[np.int32], np.float32]", intrinsic(_float_of_bits))
"""The number that 32 bits stand for, inside a kernel."""
