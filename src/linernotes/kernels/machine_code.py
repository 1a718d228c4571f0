"""Machine code of kernels: kept on disk, and run without the compiler that made it.

numba takes half a second to wake and to find its way back into what it has compiled before: as long as the mastering
of a minute of sound. So what it made is kept here as plain object code, which LLVM's linker loads in a millisecond;
of numba, three small extension modules are needed, which hold what compiled code calls (to take arrays, to
give memory, to raise). Whatever a kernel may be made of is part of its key: another version, another processor, another
line in this package, and it is compiled anew.
"""

import builtins
import ctypes
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import llvmlite.binding as llvm

if TYPE_CHECKING:
    from linernotes.kernels.compiled import Kind

__all__ = ["INNER", "MachineCode", "kernel"]

INNER: set[Callable[..., Any]] = set()
"""Functions that are compiled with the kernels that call them."""

_HERE = Path(__file__).parent
_LOCK = RLock()  # of all that is linked: modules may be imported in several threads at once
_PACKAGES = ("numba", "numba.core", "numba.core.runtime")
_EXTENSIONS = ("numba._dynfunc", "numba._helperlib", "numba.core.runtime._nrt_python")


class MachineCode(NamedTuple):
    """An object file, and in it the names of what Python calls, and of where numba's surroundings stand."""

    entry: str
    surroundings: str
    code: bytes


def kernel(function: FunctionType, result: "Kind", arguments: Sequence["Kind"]) -> Callable[..., Any]:
    """Return the function compiled for one signature: as it is kept, or newly compiled and kept from now on."""
    name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
    made_of = [_key(), _stamp(Path(function.__code__.co_filename)), name, result, arguments]
    key = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()
    with _LOCK:
        if kept := _kept(name, key):
            return _linked(kept, function)
        from linernotes.kernels.building import built  # noqa: PLC0415  (slow to load, and mostly not needed)

        dispatcher, code = built(function, result, arguments)
        if code is None:
            return dispatcher
        _keep(name, key, code)
        return _linked(code, function)


@cache
def _key() -> list[Any]:
    """Tell what all machine code depends on."""
    stamps = sorted(map(_stamp, _HERE.glob("*.py")))
    version = (_numba() / "_version.py").read_text(encoding="utf-8")
    features = llvm.get_host_cpu_features().flatten()
    return [stamps, version, str(_numba()), llvm.llvm_version_info, llvm.get_host_cpu_name(), features, sys.version]


def _stamp(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return path.name, status.st_size, status.st_mtime_ns


@cache
def _numba() -> Path:
    spec = find_spec("numba")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@cache
def _folders() -> list[Path]:
    """Where machine code may be kept: beside the package, else in the user's cache folder."""
    user = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return [_HERE / "__pycache__", Path(user) / "linernotes" / hashlib.sha256(str(_HERE).encode()).hexdigest()[:16]]


def _kept(name: str, key: str) -> MachineCode | None:
    for folder in _folders():
        with suppress(OSError, ValueError):
            head, _, code = (folder / f"{name}.kernel").read_bytes().partition(b"\n")
            told = json.loads(head)
            if told[:2] == [key, hashlib.sha256(code).hexdigest()]:
                return MachineCode(told[2], told[3], code)
    return None


def _keep(name: str, key: str, code: MachineCode) -> None:
    head = json.dumps([key, hashlib.sha256(code.code).hexdigest(), code.entry, code.surroundings]).encode()
    for folder in _folders():
        partial = folder / f".{name}.{os.getpid()}.partial"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(head + b"\n" + code.code)
            partial.replace(folder / f"{name}.kernel")
            return


@contextmanager
def _sleeping_numba() -> Iterator[None]:
    """Let numba's extension modules be imported without all of numba, unless it is awake."""
    asleep = [name for name in _PACKAGES if name not in sys.modules]
    for name in asleep:
        package = sys.modules[name] = ModuleType(name)
        package.__path__ = [str(_numba().parent.joinpath(*name.split(".")))]
    try:
        yield
    finally:
        for name in asleep:
            del sys.modules[name]


@cache
def _linker() -> tuple[Any, Any]:
    """Return LLVM's linker, which knows all that kernels call, and what makes Python's functions of entries."""
    with _sleeping_numba():
        functions, helpers, memory = map(import_module, _EXTENSIONS)
    symbols = {f"numba_{name}": at for part in (helpers, functions) for name, at in part.c_helpers.items()}
    symbols |= {name if name[0] == "_" else f"NRT_{name}": at for name, at in memory.c_helpers.items()}
    symbols |= {f"PyExc_{name}": id(kind) for name, kind in vars(builtins).items() if _is_fault(kind)}
    for name, address in {**symbols, "_Py_NoneStruct": id(None)}.items():
        llvm.add_symbol(name, address)
    for wake in (llvm.initialize_native_target, llvm.initialize_native_asmprinter):
        wake()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine), functions


def _is_fault(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


def _linked(code: MachineCode, function: FunctionType) -> Callable[..., Any]:
    linker, functions = _linker()
    linker.add_object_file(llvm.ObjectFileRef.from_data(code.code))
    linker.finalize_object()
    surroundings = functions.Environment({})
    if at := linker.get_global_value_address(code.surroundings):
        ctypes.c_void_p.from_address(at).value = id(surroundings)
    entry = linker.get_function_address(code.entry)
    module = sys.modules[function.__module__]
    made: Callable[..., Any] = functions.make_function(
        module, function.__name__, function.__doc__ or "", entry, surroundings, (linker, surroundings)
    )
    return made
