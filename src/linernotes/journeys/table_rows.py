"""What lines of a table say, as rows for the catalogue. Runs in processes of its own: no database here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from operator import attrgetter
from pathlib import Path

from linernotes.formats.csv_lines import Header
from linernotes.formats.tables import OF_WORK, Metadata, PartyLine, read_rows
from linernotes.journeys.naming import model_release_id, party_ids, recording_id, voice_id, work_id
from linernotes.model import Problem, RightType, Role
from linernotes.rights import territories
from linernotes.store.batches import WORK_RIGHTS, Batch, Draft, ShareRow, by_right

__all__ = ["Statements", "Told", "from_lines", "state"]

_RIGHT = attrgetter("value")
_MASTER = RightType.MASTER.value
_ROLES = {role: (role.value, role in OF_WORK) for role in Role}


@dataclass(slots=True)
class Statements:
    """What lines said, and what was wrong with those that were left out."""

    draft: Draft = field(default_factory=Draft)
    problems: list[Problem] = field(default_factory=list)
    n_lines: int = 0
    n_faulty: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """Statements as rows for the catalogue, ready to travel to the process that writes."""

    batch: Batch
    problems: Sequence[Problem]
    n_lines: int
    n_faulty: int

    @classmethod
    def of(cls, said: Statements) -> "Told":
        """Turn statements into rows."""
        return cls(said.draft.batch(), said.problems, said.n_lines, said.n_faulty)


def from_lines(path: Path, header: Header, lines: Iterable[tuple[int, list[str] | str]]) -> Told:
    """Read lines of a table into rows; a faulty line is left out, and told."""
    told = Statements()
    for row, faults in read_rows(path, header, lines, territory=territories.territory):
        told.n_lines += 1
        if row is not None and not faults and not row.says_something:
            told_why = "no title: name the recording, the work, the voice or the model release"
            faults.append(Problem("title", told_why, f"{row.where} title"))
        if row is None or faults:
            told.problems += faults
            told.n_faulty += 1
        else:
            state(told, row)
    return Told.of(told)


def state(told: Statements, row: Metadata) -> None:
    """Add what one line says."""
    draft = told.draft
    key_of_work = None
    if row.has_work:
        title = row.work_title or row.title or ""
        key_of_work = row.work_id or work_id(
            title, row.iswc, () if row.iswc else (line.name for line in row.parties if line.role is Role.WRITER)
        )
        here = draft.works.setdefault(key_of_work, (key_of_work, title, row.iswc, row.where))
        if here[1] != title and here[1].casefold() != title.casefold():
            _differs(told, row, f"the work {key_of_work}", here[1], title)
    key_of_recording = row.id or recording_id(row)
    if row.has_recording:
        title, artist, ai = row.title or "", row.artist or "", row.contains_ai and row.contains_ai.value
        file, duration_s = row.file, row.duration_s or 0.0
        values = (key_of_recording, title, artist, row.isrc, key_of_work, row.year, ai, file, duration_s, row.where)
        known = draft.recordings.setdefault(key_of_recording, values)
        if known is not values and known[1:-1] != values[1:-1]:
            _differs(told, row, f"the recording {key_of_recording}", known[1:4], values[1:4])
    _state_parties(told, row, key_of_work, key_of_recording)
    if row.voice:
        _state_voice(told, row)
    if row.model_release and row.model_party:
        _state_model_release(told, row, row.model_release, row.model_party)


def _state_parties(told: Statements, row: Metadata, key_of_work: str | None, key_of_recording: str) -> None:
    """Add who did what, and their shares."""
    draft = told.draft
    parties, contributions = draft.parties, draft.contributions
    of_work: list[ShareRow] = []
    of_recording: list[ShareRow] = []
    for line, key in zip(row.parties, party_ids(row.parties), strict=True):
        name, role, share, identifiers, rights, territory, begins, ends, contains_ai = line
        role_name, divides_work = _ROLES[role]
        is_of_work = divides_work and key_of_work is not None
        subject = key_of_work if is_of_work and key_of_work else key_of_recording
        if identifiers:
            _meet(told, key, line, row.where)
        elif key not in parties:
            parties[key] = (key, name, None, None, None)
        contributions[subject, key, role_name] = contains_ai and contains_ai.value
        if share is not None:
            target = of_work if is_of_work else of_recording
            above, below = share.as_integer_ratio()
            for right in map(_RIGHT, rights) if rights else (WORK_RIGHTS if divides_work else _MASTER,):
                target.append((subject, key, right, above, below, territory, begins, ends))
    if of_work and key_of_work:
        _hold(draft, key_of_work, of_work)
    if of_recording:
        _hold(draft, key_of_recording, of_recording)


def _state_voice(told: Statements, row: Metadata) -> None:
    """Add a performer's voice: the first party of the cell sings, everybody with a share holds the right in it."""
    draft, ids = told.draft, party_ids(row.voice)
    key = row.voice_id or voice_id(ids[0])
    for line, party_key in zip(row.voice, ids, strict=True):
        _meet(told, party_key, line, row.where)
        if line.contains_ai is not None:
            left = f"{line.name}: how much a machine made is said of a recording, not of a voice; left out"
            told.problems.append(Problem("voice", left, f"{row.where} voice"))
    voice = (key, ids[0], row.voice_name or row.voice[0].name, row.consent, row.where)
    known = draft.voices.setdefault(key, voice)
    if known[:-1] != voice[:-1]:
        _differs(told, row, f"the voice {key}", known[2:-1], voice[2:-1])
    stated = [
        (*(key, party_key, right), *(line.share.numerator, line.share.denominator), *_terms(line))
        for line, party_key in zip(row.voice, ids, strict=True)
        if line.share is not None
        for right in ([right.value for right in line.rights] or [RightType.VOICE.value])
    ]
    if stated:
        _hold(draft, key, stated)


def _state_model_release(told: Statements, row: Metadata, name: str, party: PartyLine) -> None:
    """Add a released model and the party that answers for it."""
    (party_key,) = party_ids((party,))
    key = row.model_release_id or model_release_id(party_key, name)
    _meet(told, party_key, party, row.where)
    release = (key, name, party_key, row.where)
    known = told.draft.model_releases.setdefault(key, release)
    if known[:-1] != release[:-1]:
        _differs(told, row, f"the model release {key}", known[1:-1], release[1:-1])


def _terms(line: PartyLine) -> tuple[str, date | None, date | None]:
    return line.territory, line.valid_from, line.valid_to


def _meet(told: Statements, key: str, line: PartyLine, where: str) -> None:
    if key in told.draft.parties:
        _complete(told, key, line, where)
    else:
        get = line.identifiers.get
        told.draft.parties[key] = (key, line.name, get("ipi_name_number"), get("ipi_base_number"), get("isni"))


def _hold(draft: Draft, subject: str, stated: list[ShareRow]) -> None:
    """Note the shares of a subject; what one party holds in several roles is one share."""
    if len(stated) > 1:
        if len({row[1] for row in stated}) < len(stated):
            stated = _added_up(stated)
        if _may_exceed(stated):
            draft.restated.add(subject)
    held = draft.shares.setdefault(subject, stated)
    if held is not stated and held != stated:
        before = list(by_right(held))
        if new := [row for row in by_right(stated) if row not in before]:
            draft.shares[subject] = before + new
            draft.restated.add(subject)


def _may_exceed(stated: list[ShareRow]) -> bool:
    """Tell whether shares of one right add to more than the whole, wherever and whenever they hold."""
    above, below = 0, 1
    for row in stated:
        above, below = above * row[4] + row[3] * below, below * row[4]
    if above <= below:
        return False
    whole: dict[str, Fraction] = {}
    for row in by_right(stated):
        whole[row[2]] = whole.get(row[2], Fraction(0)) + Fraction(row[3], row[4])
    return max(whole.values()) > 1


def _added_up(stated: list[ShareRow]) -> list[ShareRow]:
    whole: dict[tuple[object, ...], Fraction] = {}
    for row in stated:
        for right in row[2].split():
            key = (*row[:2], right, *row[5:])
            whole[key] = whole.get(key, Fraction(0)) + Fraction(row[3], row[4])
    return [(*key[:3], part.numerator, part.denominator, *key[3:]) for key, part in whole.items()]  # type: ignore[misc]


def _complete(told: Statements, key: str, line: PartyLine, where: str) -> None:
    """Add identifiers that an earlier line of the batch did not give; one that differs is told."""
    here = list(told.draft.parties[key])
    for place, name in enumerate(("ipi_name_number", "ipi_base_number", "isni"), 2):
        value = line.identifiers.get(name)
        if value is not None and here[place] not in (None, value):
            message = f"{line.name} has {name} {here[place]} above, {value} here; the first stays"
            told.problems.append(Problem("party_conflict", message, where))
        here[place] = here[place] or value
    told.draft.parties[key] = (key, here[1] or line.name, here[2], here[3], here[4])


def _differs(told: Statements, row: Metadata, what: str, here: object, given: object) -> None:
    told.problems.append(Problem("differs", f"{what} is {here!r} above, {given!r} here; the first stays", row.where))
