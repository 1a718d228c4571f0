"""Liner notes as an ERN message: what an upload is, what was heard in it, who belongs in its credits.

Only what may be asserted is. The recordings that surely sound in the upload are named by their ISRC, as content from
others, with their places. Who made the works is named as a contributor; who made the recordings is not, for that would
make them artists of the upload: they stand behind the ISRC. That a machine made it is said where that is the verdict.
What is left out stands in comments after the message, so that nobody takes silence for a no.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import PurePath

from linernotes import identifiers
from linernotes.errors import ParameterError
from linernotes.formats.ddex_print import ErnContent, ErnParty, ErnWriter, comment
from linernotes.formats.party_cells import PartyLine
from linernotes.formats.tables import OF_WORK, Metadata
from linernotes.formats.wording import LIKELY, clock
from linernotes.model import AiDisclosure, Evidence, EvidenceKind, Problem, SyntheticVerdict, Trace
from linernotes.rights import territories

__all__ = ["notes_message"]

_DISCLOSED = {SyntheticVerdict.AI: AiDisclosure.ALL, SyntheticVerdict.MIXED: AiDisclosure.PARTLY}


def notes_message(trace: Trace, *, sender: ErnParty, recipient: ErnParty, at: datetime) -> Iterator[str]:
    """Yield the liner notes of an upload as an ERN 4.3.2 message without a deal: it allows nobody anything.

    Raises IdentifierError if a DPID is none, ParameterError if a party has no name or the upload could not be read.
    """
    sender, recipient = (replace(party, dpid=identifiers.dpid(party.dpid)) for party in (sender, recipient))
    if not sender.name or not recipient.name:
        raise ParameterError("an ERN message has a sender and a recipient, each with a name")
    if trace.upload is None:
        raise ParameterError(f"{trace.path} could not be read: there is nothing to tell of it")
    problems: list[Problem] = []
    contents = _contents(trace, problems)
    name = PurePath(trace.path)
    row = Metadata(
        "",
        trace.path,
        title=name.stem or name.name,
        parties=tuple(_contributors(trace, problems)),
        duration_s=trace.upload.duration_s,
        contains_ai=_DISCLOSED.get(trace.synthetic.verdict) if trace.synthetic else None,
        id=trace.upload.sha256,
    )
    writer = ErnWriter(
        [row],
        sender=sender,
        recipient=recipient,
        message_id=f"LN{at:%Y%m%d%H%M%S}",
        at=at,
        deal_from=None,
        in_codes=territories.as_ddex,
        contents={trace.path: contents},
    )
    yield from writer
    yield from map(comment, dict.fromkeys(problem.message for problem in [*writer.problems, *problems]))


def _contents(trace: Trace, problems: list[Problem]) -> list[ErnContent]:
    """Gather the recordings that surely sound in an upload, each with its places."""
    places: dict[str, list[tuple[float, float]]] = {}
    for each in trace.evidence:
        if fault := _unsaid(each):
            told = f"{each.reference.title}, heard at {clock(each.query_start_s)}, is not written: {fault}"
            problems.append(Problem("ern_evidence", told, trace.path))
        else:
            used_s = each.reference_stop_s - each.reference_start_s
            places.setdefault(each.reference.isrc or "", []).append((each.query_start_s, used_s))
    return [ErnContent(isrc, theirs) for isrc, theirs in places.items()]


def _unsaid(evidence: Evidence) -> str:
    """Say why a message cannot name what was heard; nothing where it can."""
    if evidence.kind is not EvidenceKind.RECORDING:
        return f"it was heard as {evidence.kind.value}, and ERN relates recordings"
    if evidence.probability < LIKELY:
        return "it is uncertain"
    return "" if evidence.reference.isrc else "it has no ISRC"


def _contributors(trace: Trace, problems: list[Problem]) -> Iterator[PartyLine]:
    """Say who made the works; shares of what was heard are no shares of the upload."""
    for credit in trace.credits:
        if credit.role in OF_WORK:
            yield PartyLine(credit.party, credit.role)
        else:
            told = f"{credit.party} ({credit.role.value}; {credit.because}) is of what was heard, not of the upload"
            problems.append(Problem("ern_credit", told, trace.path))
