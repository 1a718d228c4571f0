"""Subscribe to events: an address, the secret that what goes there is signed with, and what it is told of."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from linernotes import webhook
from linernotes.journeys.keys import make_key
from linernotes.model import Subscription
from linernotes.workspace import Workspace

__all__ = ["subscribe"]


def subscribe(
    workspace: Workspace, account_id: str, url: str, events: Sequence[str], *, at: datetime
) -> tuple[Subscription, str]:
    """Enter a subscription; return it and its secret, hexadecimal. ParameterError if the address must not be told."""
    webhook.check_url(url, private_allowed=False)
    subscription = Subscription(f"whk_{secrets.token_hex(8)}", account_id, url, tuple(sorted(set(events))), at)
    secret = make_key(workspace, f"webhook-{subscription.id}")
    workspace.subscriptions.add(subscription)
    return subscription, secret.hex()
