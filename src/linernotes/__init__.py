"""Linernotes hears what a piece of music was made from, and writes its liner notes.

The public names load when they are first used, so that ``import linernotes`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linernotes.errors import LinernotesError
    from linernotes.journeys.page import write_page
    from linernotes.journeys.register import Registered, register
    from linernotes.journeys.trace import trace, trace_many
    from linernotes.model import Credit, Evidence, Problem, Recording, Trace, Transform
    from linernotes.workspace import Workspace

__version__ = "0.1.0"

__all__ = [
    "Credit",
    "Evidence",
    "LinernotesError",
    "Problem",
    "Recording",
    "Registered",
    "Trace",
    "Transform",
    "Workspace",
    "register",
    "trace",
    "trace_many",
    "write_page",
]

_HOMES = {
    "errors": ("LinernotesError",),
    "journeys.page": ("write_page",),
    "journeys.register": ("Registered", "register"),
    "journeys.trace": ("trace", "trace_many"),
    "model": ("Credit", "Evidence", "Problem", "Recording", "Trace", "Transform"),
    "workspace": ("Workspace",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
