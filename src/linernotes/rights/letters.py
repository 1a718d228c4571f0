"""The wording of notices and their answers, from what persons have confirmed and nothing else.

An unconfirmed statement is not worded at all; in its place the draft says what is missing. The law is cited so that
the reader can check it; nothing here is legal advice.
"""

from collections.abc import Sequence
from datetime import date

from linernotes.document import Block, Document, Facts, Items, Section
from linernotes.model import UseType
from linernotes.rights.answers import Ground, ReasonedDecision, Receipt, Restriction
from linernotes.rights.notices import Clock, Contact, CounterNotice, Notice, Regime, Use, counter_elements, missing

__all__ = ["counter_notice_letter", "decision_letter", "notice_letter", "receipt_letter"]

_TITLES = {
    Regime.DMCA: "Notice of claimed infringement",
    Regime.DSA: "Notice of illegal content",
    Regime.VOICE: "Notice of an imitated voice",
}
_RULES = {
    Regime.DMCA: "17 U.S.C. § 512(c)(3) (Digital Millennium Copyright Act)",
    Regime.DSA: "Regulation (EU) 2022/2065 (Digital Services Act), article 16",
    Regime.VOICE: "the platform's own process; see “What this rests on”",
}
_USES = {
    UseType.RECORDING: "Uses the recording",
    UseType.VERSION: "Performs the work",
    UseType.MELODY: "Uses the melody of the work",
    UseType.LYRICS: "Uses the lyrics of the work",
    UseType.VOICE: "Imitates the voice",
    UseType.SOUNDALIKE: "Imitates the sound",
    UseType.TRAINING: "Was made with a model trained on the recording",
}
_NO_LAW = (
    "This notice rests on no statute that gives it the force of a takedown notice, and claims none. The bill in the"
    " United States that would do so, the NO FAKES Act (S. 4591 and H.R. 8915), had been reported by a committee of the"
    " Senate on 24 June 2026 when this text was written and was not law. The notice asks the platform to apply its own"
    " rules on impersonation."
)
_NOT_MADE = "[not confirmed]"
_MISSING = "[missing]"


def notice_letter(notice: Notice) -> Document:
    """Word a notice; one that lacks an element becomes a draft that says so on every page."""
    lacking = missing(notice)
    sections = [
        Section("What is claimed", _claimed(notice)),
        Section("Where it is", _where(notice)),
        *_basis(notice),
        Section("Statements", _statements(notice)),
        Section("Who sends this", [_contact_facts(notice.contact, notice.on_behalf_of)]),
        Section("Signature", _signature(notice.statements.signature, notice.contact.name)),
    ]
    if lacking:
        entries = [f"({element.key}) {element.label}: {element.todo}" for element in lacking]
        sections.insert(0, Section("Missing: this draft must not be sent", [Items(entries)]))
    facts = Facts([
        ("To", f"{notice.platform.name}\n{notice.platform.agent}"),
        ("From", notice.contact.name or _MISSING),
        ("Date", notice.written_on.isoformat()),
        ("Under", _RULES[notice.regime]),
        ("Reference", notice.id),
    ])  # fmt: skip
    return Document(_TITLES[notice.regime], notice.id, facts, sections, draft=bool(lacking))


def _claimed(notice: Notice) -> list[Block]:
    several = len(notice.uses) > 1
    head = f"The upload “{notice.upload_title}” (SHA-256 {notice.upload_sha256}) uses what follows without permission"
    blocks: list[Block] = [f"{head}{f', {len(notice.uses)} in all' if several else ''}:"]
    blocks.append(Items([_use(use) for use in notice.uses]))
    if notice.explanation.strip():
        blocks.append(notice.explanation.strip())
    blocks.append("These uses were found by comparing sound automatically.")
    return blocks


def _use(use: Use) -> str:
    by = f", {use.artist}" if use.artist else ""
    identifiers = f" ({use.identifiers})" if use.identifiers else ""
    what = f"{_USES[use.use_type]} “{use.title}”{by}{identifiers}"
    return f"{what}. Right of: {use.party}. Claim {use.claim_id}. {use.heard}"


def _where(notice: Notice) -> list[Block]:
    if not notice.locations:
        return [_MISSING]
    return [
        f"On {notice.platform.name}, at:",
        Items(list(notice.locations)),
        "Please remove it there or disable access to it, and to copies of the same file, which its SHA-256 identifies.",
    ]


def _basis(notice: Notice) -> list[Section]:
    if notice.regime is Regime.DMCA:
        return []
    basis = notice.legal_basis.strip()
    if notice.regime is Regime.VOICE:
        said = f"The sender says that it rests on: {basis}. This was not checked by the program." if basis else _NO_LAW
        return [Section("What this rests on", [said])]
    return (
        [Section("What this rests on", [f"The sender says that the upload is illegal under: {basis}."])]
        if basis
        else []
    )


def _statements(notice: Notice) -> list[Block]:
    """Return the statements that were confirmed, word for word as the law asks for them."""
    said = notice.statements
    good_faith = {
        Regime.DMCA: "I have a good faith belief that use of the material in the manner complained of is not authorized"
        " by the copyright owner, its agent, or the law.",
        Regime.DSA: "I have a bona fide belief that the information and allegations in this notice are accurate and"
        " complete.",
        Regime.VOICE: "I believe in good faith that the performer named above did not agree to this use of the voice.",
    }[notice.regime]
    authority = "under penalty of perjury, I am authorized to act on behalf of the owner of an exclusive right that is"
    lines = []
    if said.fair_use_considered and notice.regime is not Regime.VOICE:
        lines.append("I have considered whether the use is permitted by an exception such as fair use.")
    # Under the DSA one sentence carries both: belief, and that all of it is accurate.
    if said.good_faith and (notice.regime is not Regime.DSA or said.accurate):
        lines.append(good_faith)
    if said.accurate and notice.regime is not Regime.DSA:
        lines.append("The information in this notification is accurate.")
    if said.authorised_under_penalty_of_perjury and notice.regime is Regime.DMCA:
        lines.append(f"I declare that, {authority} allegedly infringed.")
    return [Items(lines)] if lines else [_NOT_MADE]


def _contact_facts(contact: Contact, on_behalf_of: Sequence[str]) -> Facts:
    rows = [
        ("Name", contact.name),
        ("Address", contact.address),
        ("Phone", contact.phone),
        ("E-mail", contact.email),
        ("On behalf of", "\n".join(on_behalf_of)),
    ]
    return Facts([(label, value) for label, value in rows if value] or [("Name", _MISSING)])


def _signature(signature: str, name: str) -> list[Block]:
    return [Facts([("Signed", signature.strip() or _MISSING), ("Name", name or _MISSING)])]


# ── the uploader's answer ────────────────────────────────────────────────────


def counter_notice_letter(counter: CounterNotice, notice: Notice, clock: Clock) -> Document:
    """Word a counter-notice with what its signer confirmed, and the clock it starts."""
    lacking = [e for e in counter_elements(counter, locations=notice.locations) if not e.present]
    statements = []
    if counter.mistake_under_penalty_of_perjury:
        statements.append(
            "I swear, under penalty of perjury, that I have a good faith belief that the material was removed or"
            " disabled as a result of mistake or misidentification of the material to be removed or disabled."
        )
    if counter.consents_to_jurisdiction:
        court = (
            "any judicial district in which the service provider may be found (my address is outside the United States)"
            if counter.lives_outside_us
            else "the judicial district in which my address is located"
        )
        statements.append(f"I consent to the jurisdiction of the Federal District Court for {court}.")
    if counter.accepts_service:
        statements.append(
            "I will accept service of process from the person who provided notification under subsection (c)(1)(C) or"
            " an agent of such person."
        )
    material: list[Block] = [
        f"“{notice.upload_title}” (SHA-256 {notice.upload_sha256}), which was at:",
        Items(list(notice.locations)),
    ]
    sections = [
        Section("What was removed", material),
        Section("Statements", [Items(statements) if statements else _NOT_MADE]),
        Section("Who sends this", [_contact_facts(counter.contact, ())]),
        Section("Signature", _signature(counter.signature, counter.contact.name)),
        Section("The clock", [_clock_text(clock)]),
    ]
    if counter.reason.strip():
        sections.insert(1, Section("Why", [counter.reason.strip()]))
    if lacking:
        entries = [f"({element.key}) {element.label}: give {element.todo}" for element in lacking]
        sections.insert(0, Section("Missing: this draft must not be sent", [Items(entries)]))
    facts = Facts([
        ("To", f"{notice.platform.name}\n{notice.platform.agent}"),
        ("Answers", notice.id),
        ("Received", clock.received_on.isoformat()),
        ("Under", "17 U.S.C. § 512(g)(3)"),
    ])  # fmt: skip
    return Document("Counter-notice", notice.id, facts, sections, draft=bool(lacking))


def _clock_text(clock: Clock) -> str:
    return (
        f"Received on {clock.received_on}. Unless the claimant tells the provider before that a suit was filed, the"
        f" material goes back not earlier than {clock.earliest} (10 business days) and not later than {clock.latest}"
        " (14 business days), 17 U.S.C. § 512(g)(2)(C)."
    )


# ── the platform's answers ───────────────────────────────────────────────────


def receipt_letter(receipt: Receipt, notice: Notice) -> Document:
    """Word the confirmation that a notice was received."""
    automated = (
        "Automated means are used in processing it; the decision will say how."
        if receipt.automated
        else "No automated means are used in processing it."
    )
    text = f"Your notice {notice.id} about “{notice.upload_title}” was received on {receipt.received_on}. {automated}"
    facts = Facts([
        ("To", f"{notice.contact.name}\n{notice.contact.email}"),
        ("From", notice.platform.name),
        ("Under", "Regulation (EU) 2022/2065, article 16(4)"),
    ])  # fmt: skip
    return Document("Receipt of your notice", notice.id, facts, [Section("Receipt", [text])])


def decision_letter(decision: ReasonedDecision, notice: Notice, *, complaint_until: date) -> Document:
    """Word a reasoned decision; it is complete when :func:`linernotes.rights.answers.require_reasoned` says so."""
    restricts = decision.restriction is not Restriction.NONE
    scope = (
        f"The upload is {decision.restriction.value}. Where: {decision.territory}. For how long: {decision.duration}."
        if restricts
        else "The upload is not restricted."
    )
    what = "Law" if decision.ground is Ground.LAW else "Terms"
    automation = " ".join([
        f"The upload was {'' if decision.automated_detection else 'not '}detected by automated means.",
        f"The decision was {'' if decision.automated_decision else 'not '}taken by automated means.",
    ])  # fmt: skip
    reasons: list[Block] = [decision.facts, f"It follows notice {notice.id}; it was not taken on our own initiative."]
    if decision.ground_reference.strip():
        reasons.append(Facts([(what, decision.ground_reference)]))
    reasons.append(decision.explanation)
    redress = Items([
        f"A complaint to us, free of charge, until {complaint_until} (article 20): {decision.complain_to}",
        f"An out-of-court settlement body (article 21): {decision.settlement_body}",
        "A court.",
    ])  # fmt: skip
    sections = [
        Section("Decision", [scope]),
        Section("Reasons", reasons),
        Section("Automated means", [automation]),
        Section("What you can do", [redress]),
    ]
    facts = Facts([
        ("On", f"“{notice.upload_title}”\n" + "\n".join(notice.locations)),
        ("From", notice.platform.name),
        ("Date", decision.decided_on.isoformat()),
        ("Under", "Regulation (EU) 2022/2065, articles 16(5), 16(6) and 17"),
    ])  # fmt: skip
    return Document("Decision and its reasons", notice.id, facts, sections)
