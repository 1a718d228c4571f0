"""What a person sees of the catalogue in a terminal: an import, a page of it, whether shares add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from linernotes.cli import screen
from linernotes.cli.problems import print_problems
from linernotes.cli.safe_console import SafeConsole
from linernotes.model import ModelRelease, Problem, Share, Voice, Work

if TYPE_CHECKING:
    from linernotes.journeys.catalogue import Checked, Imported, Page

__all__ = [
    "from_model_release",
    "from_voice",
    "from_work",
    "print_checked",
    "print_finding",
    "print_imported",
    "print_model_releases",
    "print_page",
]

_console = SafeConsole(highlight=False)


def print_imported(result: Imported) -> None:
    """Print what an import did."""
    print_problems(result.problems)
    for path, kind in result.formats.items():
        _console.print(Text(f"  {path}: {kind.upper()}", "dim"), soft_wrap=True)
    if result.ignored_columns:
        _console.print(Text(f"  columns left alone: {', '.join(result.ignored_columns)}", "dim"), soft_wrap=True)
    told = f"{result.n_works} works, {result.n_recordings} recordings and {result.n_parties} parties entered"
    _console.print(Text.assemble(("✓ ", "green"), told), Text(f"from {result.n_lines} lines", "dim"), soft_wrap=True)
    for count, what in (
        (result.n_voices, "voices entered"),
        (result.n_model_releases, "model releases entered"),
        (result.n_known, "recordings that were here already"),
        (result.n_shares_ended, "shares that end where new ones begin"),
        (result.n_changed, "titles and the like that are others from then on"),
        (result.n_faulty, "lines left out, for their faults"),
    ):
        if count:
            _console.print(f"  {what}: {count}")
    statuses = Counter(answer.status for answer in result.acknowledgements)
    if statuses:
        _console.print(f"  acknowledged: {', '.join(f'{n} {status}' for status, n in statuses.most_common())}")
    if result.taken_down:
        named = ", ".join(result.taken_down)
        _console.print(f"  a takedown of {named}: no longer offered there; whose it is has not changed", soft_wrap=True)


def print_page(page: Page) -> None:
    """Print recordings and works with who did what and whose share it is."""
    performed = set()
    for recording in page.recordings:
        screen.print_recording(recording)
        _print_people(page, recording.id)
        work = page.works.get(recording.work_id or "")
        if work is not None and work.id not in performed:
            performed.add(work.id)
            _print_work(page, work)
        _console.print(Text(f"  {recording.path or 'not heard yet'}", "dim"), soft_wrap=True)
    for work in page.works.values():
        if work.id not in performed:
            _print_work(page, work)
    for voice in page.voices.values():
        consent = f"consent: {voice.consent}" if voice.consent else "no consent on record: not enrolled"
        of = Text.assemble(f"  {voice.id}  the voice ", (voice.name, "bold"), "  ", (consent, "dim"))
        _console.print(of, soft_wrap=True)
        if page.shares.get(voice.id):
            _print_people(page, voice.id)
    print_model_releases(page)
    if not (page.recordings or page.works or page.voices or page.model_releases):
        for party in page.parties.values():
            _console.print(Text.assemble(f"  {party.id}  ", (party.name, "bold"), "  has no part in anything here"))


def print_model_releases(page: Page) -> None:
    """Print the model releases of a page and who answers for each."""
    for release in page.model_releases.values():
        by = f"{page.parties[release.party_id].name} answers for it"
        of = Text.assemble(f"  {release.id}  the model release ", (release.name, "bold"), "  ", (by, "dim"))
        _console.print(of, soft_wrap=True)


def _print_work(page: Page, work: Work) -> None:
    _console.print(Text.assemble(f"  {work.id}  the work ", (work.title, "bold"), f"  {work.iswc or ''}"))
    _print_people(page, work.id)


def _print_people(page: Page, subject_id: str) -> None:
    table = Table(box=None, padding=(0, 2), pad_edge=False, show_header=False)
    held: dict[str, list[Share]] = {}
    for share in page.shares.get(subject_id, ()):
        held.setdefault(share.party_id, []).append(share)
    for did in page.contributions.get(subject_id, ()):
        ai = f", {did.contains_ai.value} of it by AI" if did.contains_ai else ""
        told = "; ".join(map(_told, held.pop(did.party_id, ())))
        table.add_row(did.role.value + ai, Text(page.parties[did.party_id].name), Text(told, "dim"))
    for party_id, theirs in held.items():
        table.add_row("", Text(page.parties[party_id].name), Text("; ".join(map(_told, theirs)), "dim"))
    _console.print(Padding(table, (0, 0, 0, 4)))


def _told(share: Share) -> str:
    place = "" if share.territory == "2136" else f" in {share.territory}"
    begins = f" from {share.valid_from}" if share.valid_from else ""
    ends = f" until {share.valid_to}" if share.valid_to else ""
    return f"{share.right_type.value} {share.fraction}{place}{begins}{ends}"


def print_finding(problem: Problem) -> None:
    """Print one place where shares do not add up."""
    colour = "yellow" if problem.code == "shares_missing" else "red"
    _console.print(Text.assemble(("  ✗ ", colour), (f"{problem.where}  ", "dim"), problem.message), soft_wrap=True)


def print_checked(checked: Checked) -> None:
    """Print how much was looked at and what was found."""
    looked = f"{checked.n_works} works and {checked.n_recordings} recordings"
    if not checked.n_findings:
        _console.print(Text.assemble(("✓ ", "green"), f"the shares of {looked} add up"))
        return
    words = {"shares_missing": "missing", "shares_conflict": "in conflict", "shares_overlap": "said twice"}
    found = ", ".join(f"{n} {words[code]}" for code, n in checked.n_findings.most_common())
    _console.print(f"  {looked}: {found}")


def from_work(work: Work, page: Page) -> dict[str, Any]:
    """Return a work that has no recording here, with parties, roles and shares, as JSON's types."""
    return {"recording": None, "work": asdict(work), **_from_people(page, work.id)}


def from_voice(voice: Voice, page: Page) -> dict[str, Any]:
    """Return a voice with its performer and who shares the right in it, as JSON's types."""
    return {"recording": None, "work": None, "voice": asdict(voice), **_from_people(page, voice.id, voice.party_id)}


def from_model_release(release: ModelRelease, page: Page) -> dict[str, Any]:
    """Return a released model with the party that answers for it, as JSON's types."""
    told = _from_people(page, release.id, release.party_id)
    return {"recording": None, "work": None, "model_release": asdict(release), **told}


def _from_people(page: Page, subject_id: str, *others: str) -> dict[str, Any]:
    told = page.contributions.get(subject_id, ())
    held = page.shares.get(subject_id, ())
    ids = {did.party_id for did in told} | {share.party_id for share in held} | set(others)
    return {
        "parties": [asdict(page.parties[key]) for key in sorted(ids)],
        "contributions": [asdict(did) for did in told],
        "shares": [
            asdict(share)
            | {
                "fraction": str(share.fraction),
                "valid_from": share.valid_from and share.valid_from.isoformat(),
                "valid_to": share.valid_to and share.valid_to.isoformat(),
            }
            for share in held
        ],
    }
