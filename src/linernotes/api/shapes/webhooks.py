"""Being told of events."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from linernotes.api.shapes.common import In, Out

__all__ = ["MadeWebhook", "NewWebhook", "WebhookEvent"]


class WebhookEvent(StrEnum):
    """What one can be told of."""

    TRACE_DONE = "trace.done"
    MASTER_DONE = "master.done"
    CLAIM_PROPOSED = "claim.proposed"
    CLAIM_CHANGED = "claim.changed"
    NOTICE_CHANGED = "notice.changed"


class NewWebhook(In):
    """An address (https) to be told of events."""

    url: Annotated[str, Field(max_length=2000, examples=["https://example.org/linernotes"])]
    events: Annotated[list[WebhookEvent], Field(min_length=1, max_length=10)]


class MadeWebhook(Out):
    """A webhook that was just made, with the secret that its requests are signed with."""

    id: str
    url: str
    events: list[str]
    secret: str
