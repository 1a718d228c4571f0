"""``/v1/audit``: the chain of what was said and done, and its proof."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit
from linernotes.api.paging import Limit, page
from linernotes.api.routing import routes
from linernotes.api.shapes import ChainProof, Trail

__all__ = ["prove_chain", "read_chain", "router"]

router = routes("/audit", "audit")

Reads = Annotated[Caller, Depends(Permit("audit:read"))]


@router.get("", response_model=Trail)
def read_chain(
    _: Reads, workspace: Opened, limit: Limit = 100, after: Annotated[int, Query(ge=0, le=2**53)] = 0
) -> Response:
    """Read the chain, the first rows first; ``after`` is a row's number."""
    found = list(workspace.accounts.trail(after=after, limit=limit + 1))

    def told(row: Any) -> dict[str, Any]:
        return {name: value for name, value in asdict(row).items() if name != "payload"} | {"payload": row.content}

    return JSONResponse(page(found, limit, key=lambda row: str(row.sequence), told=told))


@router.get("/check", response_model=ChainProof)
def prove_chain(_: Reads, workspace: Opened, head: Annotated[str | None, Query(max_length=64)] = None) -> Response:
    """Walk the chain; ``head`` is a hash noted earlier, whose row must still be there."""
    count, last, problems = workspace.claims.verify(head=head)
    return JSONResponse({"rows": count, "head": last, "problems": [asdict(problem) for problem in problems]})
