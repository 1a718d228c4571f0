"""Say which platforms notices go to, and where an upload is."""

from datetime import datetime
from urllib.parse import urlsplit

from linernotes import webhook
from linernotes.errors import ParameterError
from linernotes.journeys.keys import make_key, put_key
from linernotes.rights.business_days import business_calendar
from linernotes.rights.notices import Platform, Regime
from linernotes.store.catalogue import content_id
from linernotes.store.platforms import Location, PlatformEntry, instant
from linernotes.workspace import Workspace

__all__ = ["Location", "PlatformEntry", "add_platform", "checked_url", "key_name", "locate", "recipient"]

_URL_CHARACTERS_MAX = 2000


def key_name(platform_id: str) -> str:
    """Return the name of the key that signs what goes to a platform."""
    return f"webhook-{platform_id}"


def add_platform(
    workspace: Workspace,
    name: str,
    *,
    agent: str,
    regime: str,
    country: str,
    subdivision: str | None = None,
    webhook_url: str | None = None,
    private_allowed: bool = False,
    key: str | None = None,
) -> PlatformEntry:
    """Configure a platform, or configure it anew; with a webhook it gets a key, a given one or a random one.

    Raises ParameterError for a place without a calendar or an address that must not be posted to.
    """
    if not name.strip() or not agent.strip():
        raise ParameterError("a platform needs a name and an agent, the address that notices are written to")
    if regime not in set(Regime):
        raise ParameterError(f"{regime!r}: notices follow one of {', '.join(Regime)}")
    calendar = business_calendar(country, subdivision)
    if webhook_url is not None:
        webhook.check_url(webhook_url, private_allowed=private_allowed)
    entry = PlatformEntry(
        id=content_id("plt", name.strip()),
        name=name.strip(),
        agent=agent.strip(),
        regime=regime,
        country=calendar.country,
        subdivision=calendar.subdivision,
        webhook_url=webhook_url,
        private_allowed=private_allowed,
    )
    if key is not None:
        put_key(workspace, key_name(entry.id), key)
    elif webhook_url is not None:
        make_key(workspace, key_name(entry.id))
    workspace.platforms.put(entry)
    return entry


def locate(workspace: Workspace, upload_sha256: str, platform: str, url: str, *, at: datetime) -> bool:
    """Note that an upload is at an address of a platform; False if that was known."""
    digest = upload_sha256.strip().lower()
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise ParameterError(f"{upload_sha256!r} is not a SHA-256: 64 hexadecimal digits, as trace and claims print it")
    entry = workspace.platforms.get(platform)
    return workspace.platforms.locate(Location(entry.id, checked_url(url), digest, instant(at)))


def checked_url(url: str) -> str:
    """Return the address of an upload as a notice gives it.

    Raises ParameterError if it is not one that a platform could find.
    """
    text = url.strip()
    parts = urlsplit(text)
    unclear = any(c.isspace() or not c.isprintable() for c in text) or len(text) > _URL_CHARACTERS_MAX
    if parts.scheme not in ("http", "https") or not parts.hostname or unclear:
        raise ParameterError(f"{url!r} is not the address of an upload: https://host/path")
    return text


def recipient(entry: PlatformEntry) -> Platform:
    """Return a configured platform as a notice addresses it."""
    return Platform(entry.id, entry.name, entry.agent, entry.country, entry.subdivision)
