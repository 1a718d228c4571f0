"""Signed links: whoever holds one may answer one version of one sheet in the name of one party, until it expires.

Conventions
-----------
A token is ``ln1.BODY.MAC``: the body is JSON in URL-safe base 64, the MAC an HMAC-SHA256 over a fixed prefix and the
body. It names the digest of the terms, so a link to a version that was countered since opens nothing.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

from linernotes.errors import ConflictError, ParameterError

__all__ = ["Link", "read_link", "require_current", "sign_link"]

_HEAD = "ln1"
_PREFIX = b"linernotes sheet link 1\n"
_TOKEN_CHARACTERS_MAX = 2000
_KEY_BYTES_MIN = 32


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says; ``terms`` is the digest of the version it was made for, ``expires_at`` in UTC."""

    sheet_id: str
    version: int
    terms: str
    party_id: str
    expires_at: datetime


def sign_link(link: Link, *, key: bytes) -> str:
    """Return the token of a link."""
    said = {
        "sheet": link.sheet_id,
        "version": link.version,
        "terms": link.terms,
        "party": link.party_id,
        "expires": link.expires_at.isoformat(),
    }
    body = _base64(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())
    return f"{_HEAD}.{body}.{_base64(_mac(body, key))}"


def read_link(token: str, *, key: bytes, at: datetime) -> Link:
    """Return what a token says, once its signature and its date are checked.

    Raises ParameterError (code ``link_invalid``) if it was not signed with ``key``; ConflictError (``link_expired``).
    """
    head, _, rest = token.strip().partition(".")
    body, _, mac = rest.partition(".")
    genuine = len(token) <= _TOKEN_CHARACTERS_MAX and head == _HEAD and body.isascii() and mac.isascii()
    if not genuine or not hmac.compare_digest(_base64(_mac(body, key)), mac):
        raise ParameterError("this link was not made here, or was altered: ask for a new one", code="link_invalid")
    try:
        said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        link = Link(
            said["sheet"], said["version"], said["terms"], said["party"], datetime.fromisoformat(said["expires"])
        )
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise ParameterError("this link cannot be read: ask for a new one", code="link_invalid") from None
    if at >= link.expires_at:
        message = f"this link expired on {link.expires_at:%Y-%m-%d at %H:%M} UTC: ask for a new one"
        raise ConflictError(message, code="link_expired")
    return link


def require_current(link: Link, *, version: int, terms: str) -> None:
    """Refuse a link to a version that is no longer the newest.

    Raises ConflictError with code ``sheet_changed``.
    """
    if (link.version, link.terms) != (version, terms):
        message = f"this link is for version {link.version}, the sheet is at version {version}: ask for a new link"
        raise ConflictError(message, code="sheet_changed")


def _mac(body: str, key: bytes) -> bytes:
    if len(key) < _KEY_BYTES_MIN:
        raise ParameterError(f"a signing key of {len(key)} bytes: at least {_KEY_BYTES_MIN}")
    return hmac.new(key, _PREFIX + body.encode(), hashlib.sha256).digest()


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
