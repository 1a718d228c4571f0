"""Frozen records as plain JSON values, and back.

Numbers keep seven significant digits: more than any meter means, and a measurement of a song stays small.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from linernotes.errors import FormatError

__all__ = ["plain", "restored"]

_Record = TypeVar("_Record")


def plain(value: Any) -> Any:
    """Turn a record, and records within it, into dicts, lists, numbers and texts."""
    if type(value) is float:  # by far the most; what is short already stays the same object
        return value if (short := float(f"{value:.7g}")) == value else short
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, str) or value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) or hasattr(value, "tolist"):
        return [plain(each) for each in value] if isinstance(value, Sequence) else plain(value.tolist())
    return float(f"{float(value):.7g}")


def restored(kind: type[_Record], value: Any, *, where: str) -> _Record:
    """Make a record of what :func:`plain` made, or of what a person wrote; what is left out has its default.

    Raises
    ------
    FormatError naming the field, where it does not fit
    """
    if not isinstance(value, Mapping):
        raise FormatError(f"{where}: a table of fields is expected, not {value!r}")
    hints = _hints(cast("Hashable", kind))
    unknown = [name for name in value if name not in hints]
    if unknown:
        raise FormatError(f"{where}: no field {unknown[0]!r}; any of {', '.join(hints)}")
    given = {name: _fitted(hints[name], each, f"{where}: {name}") for name, each in value.items()}
    try:
        return kind(**given)
    except TypeError as error:
        raise FormatError(f"{where}: {error}") from None


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


def _fitted(hint: Any, value: Any, where: str) -> Any:
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None and NoneType in inside:
            return None
        return _fitted(next(each for each in inside if each is not NoneType), value, where)
    if is_dataclass(hint) and isinstance(hint, type):
        return restored(hint, value, where=where)
    if origin is not None and issubclass(origin, Sequence):
        if not isinstance(value, list | tuple):
            raise FormatError(f"{where}: a list is expected, not {value!r}")
        return tuple(_fitted(inside[0], each, where) for each in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint):
        raise FormatError(f"{where}: {hint.__name__} is expected, not {value!r}")
    return value
