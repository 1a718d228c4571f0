"""Pages of a list: ``limit`` and ``after`` go in, ``items`` and ``next`` come out."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query

__all__ = ["After", "Limit", "page"]

_T = TypeVar("_T")

Limit = Annotated[int, Query(ge=1, le=500, description="how many at most")]
After = Annotated[str | None, Query(max_length=200, description="`next` of the page before")]


def page(found: Sequence[_T], limit: int, *, key: Callable[[_T], str], told: Callable[[_T], Any]) -> dict[str, Any]:
    """Return a page of what was asked for with one more than ``limit``, which tells whether there is another."""
    shown = found[:limit]
    return {"items": [told(item) for item in shown], "next": key(shown[-1]) if len(found) > limit else None}
