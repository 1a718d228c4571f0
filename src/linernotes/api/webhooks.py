"""``/v1/webhooks``: be told of events by signed requests (:mod:`linernotes.webhook` says how they are signed)."""

from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now
from linernotes.api.routing import quick, routes
from linernotes.api.shapes import Listed, MadeWebhook, NewWebhook
from linernotes.journeys.subscribe import subscribe
from linernotes.model import Subscription

__all__ = ["add_webhook", "end_webhook", "list_webhooks", "router"]

router = routes("/webhooks", "webhooks")

Reads = Annotated[Caller, Depends(Permit("webhooks:read"))]
Writes = Annotated[Caller, Depends(Permit("webhooks:write"))]


def _told(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "url": subscription.url,
        "events": list(subscription.events),
        "created_at": subscription.created_at.isoformat(),
    }


@router.get("", response_model=Listed)
@quick
def list_webhooks(caller: Reads, workspace: Opened) -> Response:
    """List one's webhooks."""
    return JSONResponse({"items": [_told(each) for each in workspace.subscriptions.of(caller.account.id)]})


@router.post("", status_code=201, response_model=MadeWebhook)
def add_webhook(caller: Writes, workspace: Opened, given: NewWebhook) -> Response:
    """Subscribe to events; the answer has the secret that requests will be signed with, told this once."""
    subscription, secret = subscribe(
        workspace, caller.account.id, given.url, [event.value for event in given.events], at=now()
    )
    return JSONResponse(_told(subscription) | {"secret": secret}, 201)


@router.delete("/{webhook_id}", status_code=204, response_class=Response)
def end_webhook(caller: Writes, workspace: Opened, webhook_id: str) -> Response:
    """End a webhook."""
    workspace.subscriptions.end(webhook_id, account_id=caller.account.id, at=now())
    return Response(status_code=204)
