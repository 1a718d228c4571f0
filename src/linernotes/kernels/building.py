"""What numba makes of a kernel: machine code, as an object file.

No kernel multiplies matrices or calls C, and nobody sets numba up by a file. So numba need not look, when it wakes, for
what would help it there: SciPy's linear algebra and parsers of C and YAML take as long to load as numba itself.
"""

import sys
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

_UNUSED = [name for name in ("scipy", "yaml", "cffi") if name not in sys.modules]
for name in _UNUSED:
    sys.modules[name] = None  # type: ignore[assignment]  # Python's way to say: there is none
import llvmlite.binding as llvm  # noqa: E402
import numba.core.typing.cffi_utils  # noqa: E402  (looks here, and never again)
import numba.np.arraymath  # noqa: E402, F401
from numba import njit, types  # noqa: E402
from numba.extending import intrinsic  # noqa: E402

for name in _UNUSED:
    del sys.modules[name]

from linernotes.kernels import compiled, machine_code  # noqa: E402

__all__ = ["built"]


def _count_ones(_context: Any, _word: Any) -> Any:
    def emit(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), emit


def _float_of_bits(_context: Any, _word: Any) -> Any:
    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float32))

    return types.float32(types.int32), emit


_KNOWN: dict[Any, Any] = {
    compiled.count_ones: intrinsic(_count_ones),
    compiled.float_of_bits: intrinsic(_float_of_bits),
}
"""What numba knows our functions as: two are instructions, inner ones are compiled on first use."""


def _type(kind: "compiled.Kind") -> Any:
    number = getattr(types, kind.name)
    return types.Array(number, kind.n_dimensions, "C", readonly=not kind.written) if kind.n_dimensions else number


def _known(value: Any) -> Any:
    function = value.function if isinstance(value, compiled.Kernel) else value
    if not isinstance(function, FunctionType):
        return value
    if function not in _KNOWN and (function is not value or function in machine_code.INNER):
        _KNOWN[function] = njit(nogil=True)(_among_known(function))
    return _KNOWN.get(function, value)


def _among_known(function: FunctionType) -> FunctionType:
    """Copy a function into a surrounding in which its helpers are what numba knows them as."""
    used = {name: _known(value) for name, value in function.__globals__.items() if name in function.__code__.co_names}
    copy = FunctionType(function.__code__, {**function.__globals__, **used}, function.__name__)
    copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
    return copy


def built(
    function: FunctionType, result: "compiled.Kind", arguments: Sequence["compiled.Kind"]
) -> tuple[Callable[..., Any], machine_code.MachineCode | None]:
    """Compile a kernel; return it, and its machine code if that can be used without numba."""
    dispatcher = njit(_type(result)(*map(_type, arguments)), nogil=True)(_among_known(function))
    (made,) = dispatcher.overloads.values()
    module = made.library._final_module
    if made.environment.consts or not all(map(_found, [*module.functions, *module.global_variables])):
        return dispatcher, None  # it needs what only numba can give it
    code = made.library.codegen._tm.emit_object(module)
    return dispatcher, machine_code.MachineCode(made.fndesc.llvm_cpython_wrapper_name, made.fndesc.env_name, code)


def _found(symbol: Any) -> bool:
    """Whether a linker finds what is only named here; one that does not would end the process."""
    named = symbol.is_declaration and not symbol.name.startswith("llvm.")
    return not named or llvm.address_of_symbol(symbol.name) is not None
