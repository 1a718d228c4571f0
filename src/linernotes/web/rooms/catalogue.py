"""*Catalogue*: search it, see who has which share of what and since when, correct it, bring files in."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from linernotes.web.door import Visit, pages, visit

__all__ = ["router"]

router = pages()

Reads = Annotated[Visit, Depends(visit("catalogue:read"))]


@router.get("/catalogue")
def show_catalogue(visitor: Reads, q: str = "") -> Response:
    """Show what is in the catalogue."""
    return visitor.page("catalogue.html", title="Catalogue", heading="Catalogue", q=q, things=[], next=None)
