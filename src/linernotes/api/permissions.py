"""Who may do what. A role has scopes; a token has some of its account's.

Whose things one sees is another question: everything here is of one's own party or one's own uploads, but for admins
and auditors, who see all.
"""

from collections.abc import Mapping

from linernotes.model import AccountRole

__all__ = ["SCOPES", "SCOPES_OF"]

SCOPES: Mapping[str, str] = {
    "traces:read": "see what was heard in one's uploads",
    "traces:write": "upload, and have it heard",
    "masters:read": "see, hear and download one's masters",
    "masters:write": "have songs mastered, and delete that",
    "claims:read": "see claims of one's party, and on one's uploads",
    "claims:decide": "decide, release and withdraw one's party's claims, and send notices",
    "claims:dispute": "contest claims on one's uploads, and answer notices about them",
    "claims:resolve": "clear what keeps a claim from going on",
    "catalogue:read": "see what one's party has a part in",
    "catalogue:write": "correct titles, artists and years of that",
    "catalogue:import": "bring catalogues in",
    "models:read": "see the releases that one's party made, or that learned from it",
    "policies:read": "see one's party's standing rules",
    "policies:write": "set and end them",
    "usage:read": "see the reports that came in",
    "usage:import": "bring reports in",
    "royalties:read": "see periods and runs",
    "royalties:run": "divide and book, and close periods",
    "statements:read": "see one's party's statements, and why a line is what it is",
    "ledger:read": "see one's party's balance",
    "ledger:check": "prove the books",
    "accounts:read": "see all accounts",
    "accounts:write": "make, change and disable accounts",
    "audit:read": "read the chain of what was done",
    "webhooks:read": "see one's webhooks",
    "webhooks:write": "subscribe to events, and end that",
}
"""What every scope is for."""

_ALL = frozenset(SCOPES)
_OF_ANYBODY = frozenset({"masters:read", "masters:write", "webhooks:read", "webhooks:write"})

SCOPES_OF: Mapping[AccountRole, frozenset[str]] = {
    AccountRole.ADMIN: _ALL - {"claims:decide", "policies:write"},  # what an artist wishes is nobody else's to say
    AccountRole.RIGHTS_HOLDER: _OF_ANYBODY
    | {
        *("traces:read", "traces:write", "claims:read", "claims:decide", "claims:dispute"),
        *("catalogue:read", "catalogue:write", "models:read", "policies:read", "policies:write"),
        *("royalties:read", "statements:read", "ledger:read"),
    },
    AccountRole.UPLOADER: _OF_ANYBODY | {"traces:read", "traces:write", "claims:read", "claims:dispute"},
    AccountRole.AUDITOR: frozenset(scope for scope in SCOPES if scope.endswith((":read", ":check"))),
}
"""What each role may do at most."""
