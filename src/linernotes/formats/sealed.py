"""A page that needs nothing beside itself: its policy names its one style sheet and its one script by their hashes."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from linernotes.formats import wording

__all__ = ["data_uri", "sealed", "source"]


def sealed(template: str, *, style: str, script: str, **shown: object) -> str:
    """Fill a template of this package in; ``style`` and ``script`` are our own texts, all else is escaped."""
    page = _template(template).render(
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704  (our own file and numbers)
        script=Markup(script),  # noqa: S704  (our own file)
        **shown,
    )
    # A file name that is no valid text must not make a page that cannot be written.
    return page.encode("utf-8", "replace").decode("utf-8")


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["share"] = wording.share
    environment.globals["caveats"] = wording.CAVEATS
    return environment.from_string(source(name))


@cache
def source(name: str) -> str:
    """Read a file that lies beside this module."""
    return files("linernotes.formats").joinpath(name).read_text(encoding="utf-8")


def data_uri(encoded: bytes, media_type: str) -> str:
    """Write a sound so that it lies inside the page."""
    return f"data:{media_type};base64,{base64.b64encode(encoded).decode('ascii')}"


def _policy(style: str, script: str) -> str:
    """Allow this style sheet, this script and the sounds inside the page, and nothing else."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") for text in (style, script)
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "media-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )
