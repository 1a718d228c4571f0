"""Notices to platforms: what each must contain, what is missing, which step may follow which, and when.

Nothing here is filled in for anybody: a statement counts only where a named person has confirmed it, and a notice that
lacks an element cannot be issued.

Conventions
-----------
An element is named as the law names it: ``(i)`` to ``(vi)`` of 17 U.S.C. § 512(c)(3)(A), ``(A)`` to ``(D)`` of
§ 512(g)(3), ``(a)`` to ``(d)`` of article 16(2) of Regulation (EU) 2022/2065, the Digital Services Act. The notice
about an imitated voice follows no statute; its elements are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from linernotes.errors import ConflictError, ParameterError
from linernotes.model import Action, Claim, ClaimState, UseType
from linernotes.rights.business_days import BusinessCalendar, business_calendar

__all__ = [
    "COPYRIGHT_USES",
    "VOICE_USES",
    "Clock",
    "Contact",
    "CounterNotice",
    "Element",
    "Notice",
    "NoticeState",
    "NoticeVerb",
    "Platform",
    "Regime",
    "Statements",
    "Use",
    "complaint_until",
    "counter_elements",
    "elements",
    "may_follow",
    "missing",
    "next_state",
    "obliges_to_help",
    "require_complete",
    "require_decided",
    "require_fitting",
    "restoration_clock",
]

COPYRIGHT_USES = frozenset({UseType.RECORDING, UseType.VERSION, UseType.MELODY, UseType.LYRICS})
"""What a copyright notice may be about: 17 U.S.C. § 512 knows no right in a voice, and no right against learning."""

VOICE_USES = frozenset({UseType.VOICE, UseType.SOUNDALIKE})


class Regime(StrEnum):
    """Under which rules a notice is given."""

    DMCA = "dmca"
    DSA = "dsa"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Contact:
    """How a person can be reached."""

    name: str = ""
    address: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Platform:
    """Who a notice goes to; ``agent`` is the designated agent or point of contact, ``country`` where it sits."""

    id: str
    name: str
    agent: str
    country: str = "US"
    subdivision: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """One claim as a notice words it; ``heard`` says where in the upload and in the reference, and how sure."""

    claim_id: str
    use_type: UseType
    title: str
    artist: str
    party: str
    identifiers: str
    heard: str


@dataclass(frozen=True, slots=True)
class Statements:
    """What the person who signs has confirmed, each for itself; ``signature`` as they wrote it."""

    signature: str = ""
    good_faith: bool = False
    accurate: bool = False
    authorised_under_penalty_of_perjury: bool = False
    fair_use_considered: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice to one platform about one upload.

    ``locations`` are the upload's addresses there; ``explanation`` is a person's own words; ``legal_basis`` the law a
    person says it rests on. ``on_behalf_of``: the parties whose rights they are.
    """

    id: str
    regime: Regime
    platform: Platform
    upload_title: str
    upload_sha256: str
    locations: Sequence[str]
    uses: Sequence[Use]
    contact: Contact
    on_behalf_of: Sequence[str]
    statements: Statements
    written_on: date
    explanation: str = ""
    legal_basis: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """One thing a notice must contain, and whether it does; ``todo`` says how to supply it."""

    key: str
    label: str
    present: bool
    todo: str


# ── what must be in it ───────────────────────────────────────────────────────


def elements(notice: Notice) -> list[Element]:
    """Return what the notice's rules ask for, in their order, and whether it is there."""
    match notice.regime:
        case Regime.DMCA:
            return _dmca_elements(notice)
        case Regime.DSA:
            return _dsa_elements(notice)
        case Regime.VOICE:
            return _voice_elements(notice)


def _place(key: str, notice: Notice) -> Element:
    todo = "give --url, or name its place with platforms locate"
    return Element(key, "where the upload is", bool(notice.locations), todo)


def _titled(notice: Notice) -> bool:
    return bool(notice.uses) and all(use.title for use in notice.uses)


def _signature(key: str, notice: Notice) -> Element:
    return Element(key, "a signature", bool(notice.statements.signature.strip()), "give --signature")


def _name_and_email(key: str, notice: Notice) -> Element:
    given = bool(notice.contact.name and notice.contact.email)
    return Element(key, "name and e-mail address", given, "give --contact-name and --contact-email")


def _dmca_elements(notice: Notice) -> list[Element]:
    """Source: 17 U.S.C. § 512(c)(3)(A)."""
    said, contact = notice.statements, notice.contact
    reachable = all((contact.name, contact.address, contact.phone, contact.email))
    to_reach = "give --contact-name, --contact-address, --contact-phone and --contact-email"
    sworn = said.accurate and said.authorised_under_penalty_of_perjury
    to_swear = "confirm --accurate and --authorised-under-penalty-of-perjury"
    return [
        _signature("i", notice),
        Element("ii", "the work that is used", _titled(notice), "name a claim whose reference has a title"),
        _place("iii", notice),
        Element("iv", "contact", reachable, to_reach),
        Element("v", "the good-faith statement", said.good_faith, "confirm --good-faith"),
        Element("vi", "accuracy and, under penalty of perjury, authority", sworn, to_swear),
    ]


def _dsa_elements(notice: Notice) -> list[Element]:
    """Source: Regulation (EU) 2022/2065, article 16(2)."""
    said = notice.statements
    explained = bool(notice.explanation.strip()) and _titled(notice)
    return [
        Element("a", "a substantiated explanation", explained, "give --explanation"),
        _place("b", notice),
        _name_and_email("c", notice),
        Element(
            "d", "the bona fide statement", said.good_faith and said.accurate, "confirm --good-faith and --accurate"
        ),
    ]


def _voice_elements(notice: Notice) -> list[Element]:
    """Ours: what a platform's own process will ask for; no statute names them."""
    said = notice.statements
    return [
        Element("1", "whose voice it is", _titled(notice), "name a claim on a voice"),
        _place("2", notice),
        _name_and_email("3", notice),
        Element("4", "in good faith, that the performer did not agree", said.good_faith, "confirm --good-faith"),
        Element("5", "the statement that all of it is accurate", said.accurate, "confirm --accurate"),
        _signature("6", notice),
    ]


def missing(notice: Notice) -> list[Element]:
    """Return the elements that are not there."""
    return [element for element in elements(notice) if not element.present]


def obliges_to_help(notice: Notice) -> bool:
    """Tell whether an incomplete DMCA notice has what obliges a provider to help complete it: (ii), (iii) and (iv).

    Source: 17 U.S.C. § 512(c)(3)(B)(ii).
    """
    lacking = {element.key for element in missing(notice)}
    return notice.regime is Regime.DMCA and bool(lacking) and not lacking & {"ii", "iii", "iv"}


def require_complete(notice: Notice) -> None:
    """Refuse a notice that lacks an element, naming each and how to supply it.

    Raises ParameterError with code ``incomplete_notice``.
    """
    lacking = missing(notice)
    if not lacking:
        return
    listing = "; ".join(f"({element.key}) {element.label}: {element.todo}" for element in lacking)
    message = f"notice to {notice.platform.name} not issued, it lacks {listing}"
    if obliges_to_help(notice):
        message += " ((ii) to (iv) are there: sent like this it would oblige the provider to help, no more)"
    raise ParameterError(message, code="incomplete_notice")


def require_fitting(regime: Regime, uses: Sequence[Use]) -> None:
    """Refuse a notice whose rules do not speak of what is claimed: a voice is no copyright, a melody no voice.

    Raises ParameterError with code ``regime``.
    """
    accepted = {Regime.DMCA: COPYRIGHT_USES, Regime.VOICE: VOICE_USES}.get(regime)
    wrong = [use for use in uses if accepted is not None and use.use_type not in accepted]
    if wrong:
        names = ", ".join(f"{use.claim_id} ({use.use_type.value})" for use in wrong)
        what = "copyright" if regime is Regime.DMCA else "an imitated voice"
        other = "--regime voice or dsa" if regime is Regime.DMCA else "--regime dmca or dsa"
        raise ParameterError(f"a {regime.value} notice is about {what}, not {names}: use {other}", code="regime")


def require_decided(claims: Sequence[Claim]) -> None:
    """Refuse claims that nobody decided to block: a notice asserts only what a person has confirmed.

    Raises ConflictError with code ``not_decided``.
    """
    settled = {ClaimState.CONFIRMED, ClaimState.UPHELD}
    for claim in claims:
        if claim.state not in settled:
            message = f"claim {claim.id} is {claim.state.value}: a notice needs one that was confirmed or upheld"
            raise ConflictError(message, code="not_decided")
        if claim.action is not Action.BLOCK and all(e.action is not Action.BLOCK for e in claim.exceptions):
            message = f"claim {claim.id} says {claim.action.value}, not block: decide to block it before a notice"
            raise ConflictError(message, code="not_decided")


# ── the answer of the uploader ───────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CounterNotice:
    """An uploader's answer to a DMCA notice; what is False or empty nobody has said."""

    notice_id: str
    contact: Contact
    signature: str = ""
    mistake_under_penalty_of_perjury: bool = False
    consents_to_jurisdiction: bool = False
    accepts_service: bool = False
    lives_outside_us: bool = False
    reason: str = ""


def counter_elements(counter: CounterNotice, *, locations: Sequence[str]) -> list[Element]:
    """Return the four elements of a counter-notice and whether they are there.

    Source: 17 U.S.C. § 512(g)(3).
    """
    contact = counter.contact
    reachable = all((contact.name, contact.address, contact.phone))
    return [
        Element("A", "a signature", bool(counter.signature.strip()), "--signature"),
        Element("B", "the material and where it was", bool(locations), "a notice with a location"),
        Element(
            "C",
            "the statement of mistake, under penalty of perjury",
            counter.mistake_under_penalty_of_perjury,
            "--mistake-under-penalty-of-perjury",
        ),
        Element(
            "D",
            "name, address, phone, consent to jurisdiction, acceptance of service",
            reachable and counter.consents_to_jurisdiction and counter.accepts_service,
            "--contact-name, --contact-address, --contact-phone, --consents-to-jurisdiction and --accepts-service",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Clock:
    """When removed material may and must be put back, unless the claimant tells of a suit before."""

    received_on: date
    earliest: date
    latest: date

    def phase(self, today: date) -> str:
        """Say where the clock stands: ``waiting``, ``restore`` or ``overdue``."""
        if today < self.earliest:
            return "waiting"
        return "restore" if today <= self.latest else "overdue"


def restoration_clock(platform: Platform, received_on: date) -> Clock:
    """Count the 10 to 14 business days after a counter-notice was received.

    The law does not define a business day. Where the platform's place has holidays of its own, the earliest day leaves
    them out and the latest does not, so that a day inside the window is inside under either reading.

    Source: 17 U.S.C. § 512(g)(2)(C).
    Check: received on Monday, 16 November 2026 in the United States: 1 to 7 December 2026.
    """
    local = business_calendar(platform.country, platform.subdivision)
    return Clock(received_on, local.after(received_on, 10), BusinessCalendar(local.country).after(received_on, 14))


def complaint_until(platform: Platform, informed_on: date) -> date:
    """Return the last day of the six months in which a decision may be complained about.

    Source: Regulation (EU) 2022/2065, article 20(1) and (2); counted as :meth:`BusinessCalendar.months_after` does.
    """
    return business_calendar(platform.country, platform.subdivision).months_after(informed_on, 6)


# ── steps ────────────────────────────────────────────────────────────────────


class NoticeState(StrEnum):
    """Where a notice stands."""

    ISSUED = "issued"
    SENT = "sent"
    RECEIVED = "received"
    REMOVED = "removed"
    REFUSED = "refused"
    COUNTERED = "countered"
    SUED = "sued"
    COMPLAINED = "complained"
    RESTORED = "restored"
    WITHDRAWN = "withdrawn"


class NoticeVerb(StrEnum):
    """What can happen to a notice; ``sue`` means that the claimant told the provider of a suit."""

    SEND = "send"
    RECEIVE = "receive"
    REMOVE = "remove"
    REFUSE = "refuse"
    COUNTER = "counter"
    SUE = "sue"
    COMPLAIN = "complain"
    RESTORE = "restore"
    WITHDRAW = "withdraw"


_S, _V = NoticeState, NoticeVerb
_DECIDE = {_V.REMOVE: _S.REMOVED, _V.REFUSE: _S.REFUSED}
_WITHDRAW = {_V.WITHDRAW: _S.WITHDRAWN}
_NEXT: dict[NoticeState, dict[NoticeVerb, NoticeState]] = {
    _S.ISSUED: {_V.SEND: _S.SENT, _V.RECEIVE: _S.RECEIVED, **_DECIDE, **_WITHDRAW},
    _S.SENT: {_V.RECEIVE: _S.RECEIVED, **_DECIDE, **_WITHDRAW},
    _S.RECEIVED: {**_DECIDE, **_WITHDRAW},
    _S.REMOVED: {
        _V.COUNTER: _S.COUNTERED,
        _V.COMPLAIN: _S.COMPLAINED,
        _V.RESTORE: _S.RESTORED,
        **_WITHDRAW,
    },
    _S.REFUSED: {_V.REMOVE: _S.REMOVED, _V.COMPLAIN: _S.COMPLAINED, **_WITHDRAW},
    _S.COUNTERED: {_V.SUE: _S.SUED, _V.RESTORE: _S.RESTORED, **_WITHDRAW},
    _S.SUED: {_V.RESTORE: _S.RESTORED, **_WITHDRAW},
    _S.COMPLAINED: {**_DECIDE, _V.RESTORE: _S.RESTORED, **_WITHDRAW},
    _S.RESTORED: {},
    _S.WITHDRAWN: {},
}
_ONLY = {_V.COUNTER: Regime.DMCA, _V.SUE: Regime.DMCA, _V.COMPLAIN: Regime.DSA}


def may_follow(state: NoticeState, regime: Regime) -> list[NoticeVerb]:
    """Return what can happen to a notice in this state under these rules."""
    return [verb for verb in _NEXT[state] if _ONLY.get(verb, regime) is regime]


def next_state(
    state: NoticeState, verb: NoticeVerb, *, regime: Regime, today: date, clock: Clock | None = None
) -> NoticeState:
    """Return where ``verb`` takes a notice.

    Raises ConflictError if it may not follow: in this state, under these rules, or before the clock has run out.
    """
    if verb not in (allowed := may_follow(state, regime)):
        names = ", ".join(sorted(allowed)) or "nothing"
        raise ConflictError(f"a {regime.value} notice that is {state.value} cannot {verb.value}: {names} can follow")
    if verb is NoticeVerb.RESTORE and clock is not None and state is NoticeState.COUNTERED and today < clock.earliest:
        message = f"not before {clock.earliest} (10 business days after {clock.received_on}), and by {clock.latest}"
        raise ConflictError(f"restored too early on {today}: {message}", code="too_early")
    return _NEXT[state][verb]
