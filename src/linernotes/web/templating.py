"""Templates and what they are served with: compiled once, escaped always; style and script named by their content."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

from linernotes.formats import master_report, report, wording

__all__ = ["asset", "assets", "prepare", "render"]

_INHERITED = {"report.html": report.template, "master_report.html": master_report.template}
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


@cache
def assets() -> Mapping[str, str]:
    """Return the name under which each file is served: it changes with the content, so that it may be kept for good."""
    return {name: f"{_digest(text)}-{name}" for name, text in _sources().items()}


@cache
def asset(served: str) -> tuple[bytes, str] | None:
    """Return a file and its type by the name under which it is served; None where there is none."""
    for name, under in assets().items():
        if under == served:
            return _sources()[name].encode(), _TYPES[name.rsplit(".", 1)[1]]
    return None


def render(template: str, /, **shown: Any) -> str:
    """Return the page that a template makes of what is to be shown."""
    page = _environment().get_template(template).render(shown)
    # A file name that is no valid text must not make a page that cannot be sent.
    return page.encode("utf-8", "replace").decode("utf-8")


@cache
def _sources() -> Mapping[str, str]:
    # The rooms are set in the sheet of the liner notes: one look, on the server and in a file that is mailed.
    return {
        "house.css": report.style() + _read("static/rooms.css"),
        "masters.css": master_report.style(),
        "rooms.js": _read("static/rooms.js"),
        "player.js": report.script(),
    }


def _read(path: str) -> str:
    return files("linernotes.web").joinpath(path).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )
    environment.filters["share"] = wording.share
    environment.globals |= {"static": assets(), "caveats": wording.CAVEATS}
    return environment


def prepare() -> None:
    """Compile every template, so that nobody waits for it: in the loop, all would."""
    names = (file.name for file in files("linernotes.web").joinpath("templates").iterdir())
    for name in (*names, *_INHERITED):
        _environment().get_template(name)


def _template(name: str) -> str:
    return _INHERITED[name]() if name in _INHERITED else _read(f"templates/{name}")
