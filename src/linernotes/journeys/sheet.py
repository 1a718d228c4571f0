"""Split sheets: propose, accept, counter, withdraw; by name on the command line, or by a signed link.

A link speaks for one party about one version until it expires. What everybody has accepted goes into the catalogue from
its day on, is sealed in the chain with the digest of the PDF, and lies in the workspace as text and PDF.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from linernotes.document import Document
from linernotes.errors import ConflictError, NotFoundError, ParameterError
from linernotes.formats.letters import plain_text
from linernotes.formats.pdf import pdf
from linernotes.journeys.files import write_whole
from linernotes.journeys.keys import key, make_key
from linernotes.model import Party, RightType, Role
from linernotes.rights import sheets as rules
from linernotes.rights.links import Link, read_link, require_current, sign_link
from linernotes.rights.sheet_letters import sheet_letter
from linernotes.rights.sheets import Sheet, SheetLine, SheetState, SheetStep, SheetVerb
from linernotes.store.catalogue import content_id
from linernotes.store.chain import ChainRow
from linernotes.store.sheets import Agreement, SheetRow, Subject
from linernotes.workspace import Workspace

__all__ = [
    "Answerer",
    "SheetRow",
    "SheetVerb",
    "Shown",
    "add_alias",
    "answerer",
    "folder_of",
    "lines_of",
    "link",
    "propose",
    "respond",
    "show",
]

_Kind = TypeVar("_Kind", Role, RightType)
_KEY = "sheet-links"
_WORK_RIGHTS = (RightType.MECHANICAL, RightType.PERFORMANCE, RightType.SYNCHRONISATION)
_DAYS_MAX = 365


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answers, by which way, and which version they saw."""

    party_id: str
    version: int
    way: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A sheet, what it divides, the names its parties are shown under, and how it reads."""

    sheet: Sheet
    subject: Subject
    names: Mapping[str, str]
    document: Document


# ── look ─────────────────────────────────────────────────────────────────────


def show(workspace: Workspace, sheet_id: str) -> Shown:
    """Return a sheet as it stands; NotFoundError if there is none."""
    return _shown(workspace, _sheet(workspace, sheet_id))


def _shown(workspace: Workspace, sheet: Sheet) -> Shown:
    names = workspace.claims.names(sheet.concerned | {step.party_id for step in sheet.steps})
    subject = workspace.sheets.subject(sheet.subject_id)
    kind = "recording" if subject.is_recording else "work"
    title = f"{kind} “{subject.title}” ({', '.join(filter(None, (subject.identifier, subject.id)))})"
    return Shown(sheet, subject, names, sheet_letter(sheet, subject=title, names=names))


def _sheet(workspace: Workspace, sheet_id: str) -> Sheet:
    return rules.replay(_step_of(row) for row in workspace.sheets.steps(sheet_id))


def folder_of(workspace: Workspace, sheet_id: str) -> Path:
    """Return where the papers of an agreed sheet are."""
    return workspace.folder / "sheets" / sheet_id


def lines_of(workspace: Workspace, subject_id: str, texts: Sequence[str]) -> list[SheetLine]:
    """Read lines as people write them: ``Ada=1/2``, ``Ada:writer=50%``, ``Ada:writer:performance=1/3``.

    Without a right, a line of a work is about the mechanical, performance and synchronisation rights, one of a
    recording about the master; without a role, the party is a writer of a work, a performer of a recording.
    """
    subject = workspace.sheets.subject(subject_id)
    rights = (RightType.MASTER,) if subject.is_recording else _WORK_RIGHTS
    role = Role.PERFORMER if subject.is_recording else Role.WRITER
    lines = []
    for text in texts:
        who, equals, share = text.rpartition("=")
        if not equals:
            raise ParameterError(f"{text!r} is not a line of a sheet: NAME[:ROLE[:RIGHT]]=SHARE, as 'Ada:writer=1/2'")
        name, *rest = (part.strip() for part in who.split(":"))
        if len(rest) > 2:
            raise ParameterError(f"{text!r}: NAME, ROLE and RIGHT at most, separated by colons")
        party_id = workspace.claims.party(name)
        told_role = _chosen(Role, rest[0], text) if rest and rest[0] else role
        told_rights = (_chosen(RightType, rest[1], text),) if len(rest) > 1 and rest[1] else rights
        fraction = _fraction(share.strip(), text)
        lines += [SheetLine(party_id, told_role, right, fraction) for right in told_rights]
    return lines


def _chosen(kind: type[_Kind], value: str, text: str) -> _Kind:
    try:
        return kind(value.lower())
    except ValueError:
        raise ParameterError(f"{text!r}: {value!r} is none of {', '.join(kind)}") from None


def _fraction(text: str, line: str) -> Fraction:
    try:
        return Fraction(text[:-1].strip()) / 100 if text.endswith("%") else Fraction(text.replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        raise ParameterError(f"{line!r}: {text!r} is not a share: 1/3, 0.25 or 50%") from None


def add_alias(workspace: Workspace, name: str, *, of: str) -> Party:
    """Give a party a name to write under: sheets and credits show it, and the party is paid.

    The id is random, so that nobody can tell from it who is behind the name.
    """
    if not name.strip():
        raise ParameterError("an alias needs a name")
    alias = Party(f"pty_{secrets.token_hex(8)}", name.strip(), alias_of=workspace.claims.party(of))
    workspace.sheets.add_alias(alias)
    return alias


# ── answer ───────────────────────────────────────────────────────────────────


def propose(
    workspace: Workspace,
    subject_id: str,
    lines: Sequence[SheetLine],
    *,
    party_id: str,
    begins_on: date,
    at: datetime,
    territory: str = "2136",
    why: str = "",
) -> Sheet:
    """Open a sheet; whoever holds one of its rights in the catalogue is concerned too.

    Raises ParameterError if the shares do not add up; ConflictError if another sheet for it waits to be agreed.
    """
    rights = {line.right_type.value for line in lines}
    holders = workspace.sheets.holders(subject_id, rights, territory=territory, day=begins_on)
    step = rules.propose(
        sheet_id=content_id("sht", subject_id, str(len(workspace.sheets.all(subject_id=subject_id))), at.isoformat()),
        subject_id=subject_id,
        lines=lines,
        begins_on=begins_on,
        party_id=party_id,
        at=at,
        way="command",
        territory=territory,
        holders=holders,
        why=why,
    )
    return _enter(workspace, step, ())


def answerer(
    workspace: Workspace,
    sheet_id: str | None,
    *,
    party: str | None,
    version: int | None,
    token: str | None,
    at: datetime,
) -> tuple[str, Answerer]:
    """Say who answers which sheet: a party by name, of the version that stands, or the bearer of a link.

    Raises ParameterError if neither or both are given, or the link is not genuine; ConflictError if it is too old.
    """
    if (party is None) == (token is None):
        raise ParameterError("say who answers: --as NAME, or --link TOKEN")
    if token is not None:
        said = read_link(token, key=key(workspace, _KEY), at=at)
        if sheet_id not in (None, said.sheet_id):
            raise ParameterError(f"this link is for sheet {said.sheet_id}, not {sheet_id}", code="link_invalid")
        sheet = _sheet(workspace, said.sheet_id)
        require_current(said, version=sheet.version, terms=rules.terms_sha256(sheet))
        return said.sheet_id, Answerer(said.party_id, said.version, "link")
    if sheet_id is None or version is None:
        raise ParameterError("say which sheet and which version you looked at: ID --version N, see sheet show")
    return sheet_id, Answerer(workspace.claims.party(party or ""), version, "command")


def respond(
    workspace: Workspace,
    sheet_id: str,
    verb: SheetVerb,
    who: Answerer,
    *,
    at: datetime,
    lines: Sequence[SheetLine] = (),
    begins_on: date | None = None,
    why: str = "",
) -> Sheet:
    """Accept, counter or withdraw; the last acceptance makes the agreement. Accepting twice is accepting once.

    Raises ConflictError if the sheet moved on or is closed; NotFoundError if it is none of the party's.
    """
    sheet = _sheet(workspace, sheet_id)
    step: SheetStep | None
    match verb:
        case SheetVerb.ACCEPT:
            step = rules.accept(sheet, party_id=who.party_id, version=who.version, at=at, way=who.way, why=why)
        case SheetVerb.COUNTER:
            step = rules.counter(
                sheet,
                party_id=who.party_id,
                version=who.version,
                lines=lines,
                begins_on=begins_on,
                at=at,
                way=who.way,
                why=why,
            )
        case SheetVerb.WITHDRAW:
            step = rules.withdraw(sheet, party_id=who.party_id, version=who.version, at=at, way=who.way, why=why)
        case SheetVerb.PROPOSE:
            raise ParameterError(f"sheet {sheet_id} is open: counter it")
    return sheet if step is None else _enter(workspace, step, sheet.steps)


def _enter(workspace: Workspace, step: SheetStep, before: Sequence[SheetStep]) -> Sheet:
    sheet = rules.replay([*before, step])
    row = SheetRow(sheet.id, sheet.subject_id, sheet.state.value, sheet.version, len(sheet.steps))
    agreement, paper = None, None
    if sheet.state is SheetState.AGREED:
        document = _shown(workspace, sheet).document
        paper = {"split-sheet.pdf": pdf(document), "split-sheet.txt": plain_text(document).encode()}
        seal = {
            "subject": sheet.subject_id,
            "version": sheet.version,
            "terms_sha256": rules.terms_sha256(sheet),
            "pdf_sha256": hashlib.sha256(paper["split-sheet.pdf"]).hexdigest(),
            "agreed_by": sorted(sheet.concerned),
        }
        agreement = Agreement(rules.shares(sheet), sheet.concerned, seal)
    workspace.sheets.add_step(row, _payload(step), actor=step.party_id, why=step.why, at=step.at, agreement=agreement)
    for name, content in (paper or {}).items():
        write_whole(folder_of(workspace, sheet.id) / name, content)
    return sheet


def link(workspace: Workspace, sheet_id: str, party: str, *, days: int, at: datetime) -> str:
    """Return a token with which a party can answer the version that stands, for so many days.

    Raises NotFoundError if the sheet is none of the party's; ConflictError if it is closed.
    """
    if not 0 < days <= _DAYS_MAX:
        raise ParameterError(f"a link for {days} days: 1 to {_DAYS_MAX}")
    sheet, party_id = _sheet(workspace, sheet_id), workspace.claims.party(party)
    if sheet.state is not SheetState.PROVISIONAL:
        raise ConflictError(f"sheet {sheet_id} is {sheet.state.value}: there is nothing to answer", code="sheet_closed")
    if party_id not in sheet.concerned:
        raise NotFoundError(f"{party} is not on sheet {sheet_id}", code="not_on_sheet")
    expires_at = at + timedelta(days=days)
    said = Link(sheet.id, sheet.version, rules.terms_sha256(sheet), party_id, expires_at)
    return sign_link(said, key=make_key(workspace, _KEY))


# ── steps as the chain keeps them ────────────────────────────────────────────


def _payload(step: SheetStep) -> dict[str, Any]:
    return {
        "verb": step.verb.value,
        "party": step.party_id,
        "version": step.version,
        "way": step.way,
        "lines": [[ln.party_id, ln.role.value, ln.right_type.value, str(ln.fraction)] for ln in step.lines],
        "begins_on": step.begins_on.isoformat() if step.begins_on else None,
        "subject": step.subject_id,
        "territory": step.territory,
        "holders": list(step.holders),
    }


def _step_of(row: ChainRow) -> SheetStep:
    said = row.content
    return SheetStep(
        sheet_id=row.subject_id,
        verb=SheetVerb(said["verb"]),
        party_id=said["party"],
        version=said["version"],
        at=datetime.fromisoformat(row.at),
        way=said["way"],
        why=row.why,
        lines=tuple(
            SheetLine(party, Role(role), RightType(right), Fraction(share))
            for party, role, right, share in said["lines"]
        ),
        begins_on=date.fromisoformat(said["begins_on"]) if said["begins_on"] else None,
        subject_id=said["subject"],
        territory=said["territory"],
        holders=tuple(said["holders"]),
    )
