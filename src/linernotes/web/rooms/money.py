"""*Money*: search it, see who has which share of what and since when, correct it, bring files in."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from linernotes.web.door import Visit, pages, visit

__all__ = ["router"]

router = pages()

Reads = Annotated[Visit, Depends(visit("royalties:read"))]


@router.get("/money")
def show_money(visitor: Reads) -> Response:
    """Show what is in the money."""
    return visitor.page("money.html", title="Money", heading="Money", verdict="", charts=[], periods=[])
