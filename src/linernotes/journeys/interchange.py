"""Catalogues out: as a table, as CWR, as ERN, a page of the catalogue in memory at a time."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import chain

from linernotes import identifiers
from linernotes.formats.cwr import CwrRecording, CwrWork
from linernotes.formats.cwr_print import CwrWriter
from linernotes.formats.ddex_print import ErnParty, ErnWriter
from linernotes.formats.party_cells import PartyLine
from linernotes.formats.tables import OF_WORK, Metadata, write_metadata
from linernotes.journeys.catalogue import describe
from linernotes.journeys.naming import model_release_id, party_id, voice_id, work_id
from linernotes.model import (
    Contribution,
    ModelRelease,
    Party,
    Problem,
    Recording,
    RightType,
    Role,
    Share,
    Voice,
    Work,
)
from linernotes.rights import shares, territories
from linernotes.store.browsing import Page
from linernotes.workspace import Workspace

__all__ = ["cwr", "ern", "lines_of", "table"]

_MASTER = (RightType.MASTER,)
_PARTY_FIELDS = ("ipi_name_number", "ipi_base_number", "isni")


def table(workspace: Workspace, problems: list[Problem]) -> Iterator[str]:
    """Yield the catalogue as a table that can be imported again; ``problems`` gains what a table cannot say."""
    rows = (row for page in workspace.catalogue.pages() for row in lines_of(page, problems, repeat=True))
    yield from write_metadata(rows)
    if n_former := workspace.catalogue.n_former():
        told = f"{n_former} titles and the like that held before are not written: a table says what holds now"
        problems.append(Problem("history", told, str(workspace.catalogue.path)))


def cwr(
    workspace: Workspace, problems: list[Problem], *, sender: str, sender_ipi: str, at: datetime, version: str
) -> Iterator[str]:
    """Yield the works of the catalogue as a CWR file; IdentifierError if the sender's IPI name number is none."""
    number = identifiers.ipi_name_number(sender_ipi)
    writer = CwrWriter(_registrations(workspace, problems), sender=sender, sender_ipi=number, at=at, version=version)
    yield from writer
    problems += writer.problems


def ern(
    workspace: Workspace,
    problems: list[Problem],
    *,
    sender: ErnParty,
    recipient: ErnParty,
    at: datetime,
    deal_from: date | None,
    version: str,
    only: Sequence[str] = (),
) -> Iterator[str]:
    """Yield the recordings of the catalogue, or those with these ids or ISRCs, as an ERN message.

    Raises IdentifierError if a DPID is none, NotFoundError if one of ``only`` is not here.
    """
    sender, recipient = (replace(party, dpid=identifiers.dpid(party.dpid)) for party in (sender, recipient))
    pages: Iterable[Page] = workspace.catalogue.pages() if not only else [describe(workspace, key) for key in only]
    rows = [row for page in pages for row in lines_of(page, problems) if row.has_recording]
    writer = ErnWriter(
        rows,
        sender=sender,
        recipient=recipient,
        message_id=f"LN{at:%Y%m%d%H%M%S}",
        at=at,
        deal_from=deal_from,
        in_codes=territories.as_ddex,
        version=version,
    )
    yield from writer
    problems += writer.problems


def lines_of(page: Page, problems: list[Problem], *, repeat: bool = False) -> Iterator[Metadata]:
    """Say a page of the catalogue as lines of a table: one for each recording, one for each work without.

    What a party has been said to hold twice is a conflict that one line cannot say. With ``repeat`` it is said in lines
    of its own, without it is a problem.
    """
    recorded = set()
    for recording in page.recordings:
        work = page.works.get(recording.work_id) if recording.work_id else None
        is_first = work is not None and work.id not in recorded
        if work is not None:
            recorded.add(work.id)
        yield from _lines(page, recording, work, problems, repeat=repeat, with_work=is_first)
    for work in page.works.values():
        if work.id not in recorded:
            yield from _lines(page, None, work, problems, repeat=repeat, with_work=True)
    if not repeat:
        problems += _without_a_place(page)
        return
    for voice in page.voices.values():
        yield _voice_line(page, voice, problems)
    for release in page.model_releases.values():
        yield _model_release_line(page, release, problems)


def _without_a_place(page: Page) -> Iterator[Problem]:
    """Say what neither CWR nor ERN can."""
    for voice in page.voices.values():
        told = f"the voice of {voice.name}: this format has no place for voices; left out"
        yield Problem("voice", told, voice.id)
    for release in page.model_releases.values():
        told = f"the model release {release.name}: this format has no place for models; left out"
        yield Problem("model_release", told, release.id)


def _voice_line(page: Page, voice: Voice, problems: list[Problem]) -> Metadata:
    """Say a voice: its performer first, then who else has a share of the right in it."""
    held = page.shares.get(voice.id, ())
    if _n_times(page, voice.id) > 1:
        told = f"somebody's share of the voice of {voice.name} is said twice, differently; added up"
        problems.append(Problem("shares_overlap", told, voice.id))
    performer = page.parties[voice.party_id]
    sings = Contribution(voice.id, performer.id, Role.PERFORMER)
    theirs = [(share, ()) for share in held if share.party_id == performer.id]
    lines = [*_said(performer, sings, theirs, problems)]
    for share in held:
        if share.party_id != performer.id:
            lines += _said(page.parties[share.party_id], sings, [(share, ())], problems)
    return Metadata(
        "",
        voice.id,
        voice=tuple(lines),
        voice_name=voice.name if voice.name != performer.name else None,
        voice_id=voice.id if voice.id != voice_id(_key_of(performer)) else None,
        consent=voice.consent,
    )


def _model_release_line(page: Page, release: ModelRelease, problems: list[Problem]) -> Metadata:
    party = page.parties[release.party_id]
    (line,) = _said(party, Contribution(release.id, party.id, Role.PRODUCER), [], problems)
    says_its_id = release.id != model_release_id(_key_of(party), release.name)
    return Metadata(
        "",
        release.id,
        model_release=release.name,
        model_party=line,
        model_release_id=release.id if says_its_id else None,
    )


def _key_of(party: Party) -> str:
    return party_id(party.name, party.ipi_name_number, party.ipi_base_number, party.isni)


def _lines(
    page: Page,
    recording: Recording | None,
    work: Work | None,
    problems: list[Problem],
    *,
    repeat: bool,
    with_work: bool,
) -> Iterator[Metadata]:
    line = _line(page, recording, work, problems)
    yield line
    again = [subject.id for subject in (recording, work if with_work else None) if subject is not None]
    for n in range(1, max((_n_times(page, subject_id) for subject_id in again), default=0)):
        parties: list[PartyLine] = []
        if work is not None and with_work:
            parties += _party_lines(page, work.id, shares.WORK_RIGHTS, Role.PUBLISHER, [], n=n)
        if recording is not None:
            parties += _party_lines(page, recording.id, _MASTER, Role.LABEL, [], n=n)
        if repeat:
            work_key = line.work_id or (work.id if work is not None and not work.iswc else None)
            yield line._replace(parties=tuple(parties), work_id=work_key)
            continue
        for party in parties:
            told = f"{party.name} {party.share} of {line.title or line.work_title}: said twice, differently; left out"
            problems.append(Problem("shares_overlap", told, line.where))


def _n_times(page: Page, subject_id: str) -> int:
    """Return how many times at most somebody is said to hold the same right in the same place and time."""
    said = Counter(
        (share.party_id, share.right_type, share.territory, share.valid_from, share.valid_to)
        for share in page.shares.get(subject_id, ())
    )
    return max(said.values(), default=0)


def _line(page: Page, recording: Recording | None, work: Work | None, problems: list[Problem]) -> Metadata:
    parties: list[PartyLine] = []
    if work is not None:
        parties += _party_lines(page, work.id, shares.WORK_RIGHTS, Role.PUBLISHER, problems)
    if recording is not None:
        parties += _party_lines(page, recording.id, _MASTER, Role.LABEL, problems)
    order = [Role.PERFORMER, Role.WRITER, Role.ARRANGER, Role.HEIR, Role.PUBLISHER, Role.LABEL, Role.PRODUCER]
    parties.sort(key=lambda line: order.index(line.role))
    writers = [line.name for line in parties if line.role is Role.WRITER]
    says_its_id = work is not None and work.id != work_id(work.title, work.iswc, writers)
    subject = recording or work
    assert subject is not None
    return Metadata(
        recording.path if recording is not None else "",
        subject.id,
        title=recording.title if recording is not None else None,
        artist=(recording.artist or None) if recording is not None else None,
        isrc=recording.isrc if recording is not None else None,
        iswc=work.iswc if work is not None else None,
        year=recording.year if recording is not None else None,
        parties=tuple(parties),
        work_title=work.title if work is not None else None,
        duration_s=(recording.duration_s or None) if recording is not None else None,
        contains_ai=recording.contains_ai if recording is not None else None,
        id=recording.id if recording is not None and not recording.isrc else None,
        work_id=work.id if work is not None and says_its_id else None,
    )


def _party_lines(
    page: Page, subject_id: str, whole: Sequence[RightType], default: Role, problems: list[Problem], *, n: int = 0
) -> Iterator[PartyLine]:
    """Say who did what for a subject, each with its shares; those who only hold a share come last.

    Of what is said more than once of the same right, place and time, the ``n``-th: without it nobody comes up again.
    """
    held: dict[str, list[tuple[Share, tuple[RightType, ...]]]] = {}
    for share, rights in _by_terms(_nth(page.shares.get(subject_id, ()), n)):
        held.setdefault(share.party_id, []).append((share, () if set(rights) == set(whole) else rights))
    for did in page.contributions.get(subject_id, ()):
        if n == 0 or did.party_id in held:
            yield from _said(page.parties[did.party_id], did, held.pop(did.party_id, []), problems)
    for party, theirs in ((page.parties[key], theirs) for key, theirs in held.items()):
        told = f"{party.name} has a share of {subject_id} and no role in it; said as {default.value}"
        problems.append(Problem("role", told, subject_id))
        yield from _said(party, Contribution(subject_id, party.id, default), theirs, problems)


def _nth(held: Sequence[Share], n: int) -> Iterator[Share]:
    said: Counter[tuple[object, ...]] = Counter()
    for share in held:
        key = (share.party_id, share.right_type, share.territory, share.valid_from, share.valid_to)
        if said[key] == n:
            yield share
        said[key] += 1


def _said(
    party: Party,
    did: Contribution,
    held: Sequence[tuple[Share, tuple[RightType, ...]]],
    problems: list[Problem],
) -> Iterator[PartyLine]:
    named = {name: value for name in _PARTY_FIELDS if (value := getattr(party, name)) is not None}
    if party.alias_of is not None:
        problems.append(Problem("alias", f"{party.name} is an alias; who is behind it is not written", party.id))
    for share, rights in held:
        terms = (rights, share.territory, share.valid_from, share.valid_to)
        yield PartyLine(party.name, did.role, share.fraction, named, *terms, did.contains_ai)
    if not held:
        yield PartyLine(party.name, did.role, None, named, contains_ai=did.contains_ai)


def _by_terms(held: Iterable[Share]) -> Iterator[tuple[Share, tuple[RightType, ...]]]:
    """Bring together the rights of which a party holds the same."""
    rights: dict[tuple[object, ...], list[Share]] = {}
    for share in held:
        key = (share.party_id, share.fraction, share.territory, share.valid_from, share.valid_to)
        rights.setdefault(key, []).append(share)
    for same in rights.values():
        yield same[0], tuple(dict.fromkeys(share.right_type for share in same))


def _registrations(workspace: Workspace, problems: list[Problem]) -> Iterator[CwrWork]:
    """Yield each work once, with its recordings."""
    for page in workspace.catalogue.pages():
        problems += _without_a_place(page)
        for work in page.works.values():
            first = next((r for r in page.recordings if r.work_id == work.id), None)
            whole = page if first is None else workspace.catalogue.page_of(work.id)
            recordings = [r for r in whole.recordings if r.work_id == work.id]
            if first is not None and recordings[0].id != first.id:
                continue  # told on the page of its first recording
            parties = _party_lines(whole, work.id, shares.WORK_RIGHTS, Role.PUBLISHER, problems)
            for n in range(1, _n_times(whole, work.id)):
                for line in _party_lines(whole, work.id, shares.WORK_RIGHTS, Role.PUBLISHER, [], n=n):
                    told = f"{line.name} {line.share} of {work.title}: said twice, differently; left out"
                    problems.append(Problem("shares_overlap", told, work.id))
            performed = chain.from_iterable(whole.contributions.get(r.id, ()) for r in recordings)
            names = dict.fromkeys(whole.parties[c.party_id].name for c in performed if c.role is Role.PERFORMER)
            yield CwrWork(
                work.title,
                work.iswc,
                tuple(line for line in parties if line.role in OF_WORK),
                tuple(map(_recording, recordings)),
                tuple(names),
                work.id,
            )


def _recording(recording: Recording) -> CwrRecording:
    seconds = round(recording.duration_s)
    return CwrRecording(recording.isrc, recording.title, recording.artist or None, seconds or None, recording.year)
