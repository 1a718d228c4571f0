"""Deliver notices: files into the outbox, webhooks to the platforms that have one.

What is due was entered with the notice; this works it off, in as many runs as it takes. An attempt is counted before it
is made, and carries the delivery's own idempotency key: after a crash it is made again, and the platform can tell. A
platform that does not answer is tried again after 1, 2, 4 … seconds, up to an hour, and given up after twelve times.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from linernotes import webhook
from linernotes.errors import ConflictError, LinernotesError
from linernotes.journeys.keys import key
from linernotes.journeys.papers import write_notice
from linernotes.journeys.platforms import key_name
from linernotes.model import Problem
from linernotes.store.notices import Delivery
from linernotes.workspace import Workspace

__all__ = ["ATTEMPTS_MAX", "Delivered", "deliver"]

ATTEMPTS_MAX = 12
_WAIT_S_MAX = 3600
_TIMEOUT_S = 15.0
_LEASE_MARGIN_S = 15.0  # for looking up the name, and for the database
_AT_ONCE = 8
_ANSWER_CHARACTERS_MAX = 300


@dataclass(slots=True)
class Delivered:
    """What a run did: ids of deliveries that arrived, that wait for another attempt, that were given up, and why."""

    arrived: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def deliver(
    workspace: Workspace,
    *,
    again: bool = False,
    patience_s: float = 30.0,
    timeout_s: float = _TIMEOUT_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Delivered:
    """Deliver what is due, and what becomes due within ``patience_s``.

    ``again``: also what was given up before. ``timeout_s``: the longest an attempt may take.
    """
    result = Delivered()
    if again:
        workspace.notices.revive(at=datetime.now(UTC))
    for stored in workspace.notices.all(state="issued"):
        write_notice(workspace, stored)  # where a crash came between the books and the files
    deadline = time.monotonic() + patience_s
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # one platform that hangs does not hold up the others
        while pending := workspace.notices.deliveries(pending=True):
            due = [each for each in pending if _wait_s(each) <= 0]
            for delivery, outcome in pool.map(lambda each: _attempt(workspace, each, timeout_s), due):
                _note(result, delivery, outcome)
            pending = workspace.notices.deliveries(pending=True)
            next_s = min((_wait_s(each) for each in pending), default=0.0)
            if time.monotonic() + next_s > deadline:
                result.waiting = [each.id for each in pending]
                break
            sleep(max(next_s, 0.01))
    return result


def _wait_s(delivery: Delivery) -> float:
    """Return how long until the next attempt may begin: it is due, and no other process is at it."""
    free_at = max(delivery.next_at, delivery.leased_until or "")
    return (datetime.fromisoformat(free_at) - datetime.now(UTC)).total_seconds()


def _attempt(workspace: Workspace, delivery: Delivery, timeout_s: float) -> tuple[Delivery, str]:
    """Make one attempt, if nobody else does; return its outcome, empty where there is nothing to tell."""
    now = datetime.now(UTC)
    taken = workspace.notices.lease(delivery.id, now=now, until=now + timedelta(seconds=timeout_s + _LEASE_MARGIN_S))
    if taken is None:
        return delivery, ""
    try:
        answer = _post(workspace, taken, timeout_s)
    except LinernotesError as error:  # no webhook, no key, an address that must not be posted to: a person must look
        workspace.notices.postponed(taken, answer=str(error), next_at=None)
        return taken, f"given up: {error}"
    told = f"{answer.status or 'no answer'} {' '.join(answer.text.split())}"[:_ANSWER_CHARACTERS_MAX].strip()
    now = datetime.now(UTC)
    if answer.is_delivered:
        workspace.notices.delivered(taken, answer=told, at=now)
        return taken, "arrived"
    if answer.may_be_tried_again and taken.attempts < ATTEMPTS_MAX:
        wait_s = min(max(2 ** (taken.attempts - 1), answer.wait_s), _WAIT_S_MAX)
        workspace.notices.postponed(taken, answer=told, next_at=now + timedelta(seconds=wait_s))
        return taken, ""
    workspace.notices.postponed(taken, answer=told, next_at=None)
    return taken, f"given up after attempt {taken.attempts}: {told}"


def _post(workspace: Workspace, delivery: Delivery, timeout_s: float) -> webhook.Answer:
    platform = workspace.platforms.get(workspace.notices.get(delivery.notice_id).platform_id)
    if platform.webhook_url is None:
        raise ConflictError(f"{platform.name} has no webhook any more: the files are in the outbox")
    return webhook.post(
        platform.webhook_url,
        delivery.body.encode(),
        secret=key(workspace, key_name(platform.id)),
        idempotency_key=delivery.id,
        timestamp=round(time.time()),
        timeout_s=timeout_s,
        private_allowed=platform.private_allowed,
    )


def _note(result: Delivered, delivery: Delivery, outcome: str) -> None:
    if outcome == "arrived":
        result.arrived.append(delivery.id)
    elif outcome:
        result.given_up.append(delivery.id)
        message = f"{delivery.id}: {outcome}; put it right, then claims deliver --again"
        result.problems.append(Problem("not_delivered", message, delivery.id))
