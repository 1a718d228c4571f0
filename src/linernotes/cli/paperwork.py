"""What a person sees of platforms, notices, deliveries and split sheets in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from linernotes.cli.problems import print_problems
from linernotes.cli.screen import note
from linernotes.formats.letters import visible

if TYPE_CHECKING:
    from linernotes.journeys.delivery import Delivered
    from linernotes.journeys.notice import Issued, NoticeFile, StoredNotice
    from linernotes.journeys.platforms import Location, PlatformEntry
    from linernotes.journeys.sheet import SheetRow, Shown

__all__ = [
    "note",
    "print_delivered",
    "print_facts",
    "print_issued",
    "print_location",
    "print_notice",
    "print_notice_line",
    "print_platform",
    "print_sheet",
    "print_sheet_line",
    "print_text",
]

_console = Console(highlight=False)


def _line(*parts: str | tuple[str, str]) -> Text:
    """Return parts, each with a style or none, as one text: a name from a stranger must not command the terminal."""
    return Text.assemble(*((visible(p), "") if isinstance(p, str) else (visible(p[0]), p[1]) for p in parts))


def print_text(text: str) -> None:
    """Print a letter as it is, without wrapping it anew."""
    _console.print(_line(text), soft_wrap=True)


def print_facts(told: Mapping[str, str]) -> None:
    """Print what a step led to, a line each."""
    for label, value in told.items():
        _console.print(_line((f"  {label}  ", "dim"), value), soft_wrap=True)


def print_platform(entry: PlatformEntry) -> None:
    """Print a platform in a line."""
    place = "-".join(filter(None, (entry.country, entry.subdivision)))
    how = entry.webhook_url or "files in the outbox"
    line = _line(f"  {entry.name}  ", (f"{entry.regime} · {place} · {how}  {entry.id}", "dim"))
    _console.print(line, soft_wrap=True)


def print_location(location: Location, platform: str) -> None:
    """Print one address of an upload."""
    gone = ("  gone", "dim") if location.gone_at else ""
    _console.print(_line(f"  {platform}  ", location.url, gone), soft_wrap=True)


def print_issued(issued: Issued) -> None:
    """Print what came of a decision."""
    for notice, folder in zip(issued.notices, issued.folders, strict=True):
        places = "\n    ".join(notice.locations)
        head = f"{notice.regime.value} notice to {notice.platform.name}"
        _console.print(_line(("✓ ", "green"), (head, "bold"), f"  {notice.id}\n    {places}"), soft_wrap=True)
        note(f"    {folder}")
    for notice_id in issued.already:
        note(f"  {notice_id} was issued before; nothing is sent twice")


def print_delivered(delivered: Delivered) -> None:
    """Print what a run of deliveries did."""
    for delivery_id in delivered.arrived:
        _console.print(_line(("✓ ", "green"), f"{delivery_id} arrived"), soft_wrap=True)
    for delivery_id in delivered.waiting:
        _console.print(_line(("… ", "yellow"), f"{delivery_id} waits for another attempt"), soft_wrap=True)
    print_problems(delivered.problems)
    if not (delivered.arrived or delivered.waiting or delivered.problems):
        _console.print("  Nothing to deliver.")


def print_notice_line(stored: StoredNotice, platform: str, *, today: date) -> None:
    """Print a notice in a line, with what its clock says."""
    line = _line(
        f"  {stored.id}  ",
        (stored.state, "bold"),
        f"  {stored.regime} to {platform}",
        (f"  {stored.issued_at[:10]}  {len(stored.claim_ids)} claims", "dim"),
    )
    _console.print(line.append(_clock(stored, today), "yellow"), soft_wrap=True)


def _clock(stored: StoredNotice, today: date) -> str:
    if stored.state == "countered" and stored.restore_from and stored.restore_by:
        late = " OVERDUE" if today > stored.restore_by else ""
        return f"  goes back between {stored.restore_from} and {stored.restore_by}{late}"
    if stored.state in ("removed", "refused") and stored.complaint_until:
        return f"  complaints until {stored.complaint_until}"
    return ""


def print_notice(file: NoticeFile, *, today: date) -> None:
    """Print a notice, its deliveries, its history and what can follow."""
    print_notice_line(file.stored, file.notice.platform.name, today=today)
    for use in file.notice.uses:
        state = file.claim_states[use.claim_id]
        odd = (f"  is {state} by now", "red") if state not in ("confirmed", "upheld") else ""
        _console.print(_line(f"    {use.claim_id}  {use.use_type.value} “{use.title}”", odd), soft_wrap=True)
    for url in file.notice.locations:
        _console.print(_line(f"    {url}"), soft_wrap=True)
    for each in file.deliveries:
        told = f"    {each.kind} {each.state}, {each.attempts} attempts  {each.last_answer or ''}"
        _console.print(_line((told, "dim")), soft_wrap=True)
    for row in file.history:
        _console.print(_line((f"    {row.at[:16]}  {row.kind}  {row.actor}  {row.why}", "dim")), soft_wrap=True)
    _console.print(_line(f"    can follow: {', '.join(file.can_follow) or 'nothing'}"), soft_wrap=True)
    note(f"    {file.folder}")


def print_sheet_line(row: SheetRow, title: str) -> None:
    """Print a sheet in a line."""
    line = _line(f"  {row.id}  ", (row.state, "bold"), f"  {title}", (f"  version {row.version}", "dim"))
    _console.print(line, soft_wrap=True)


def print_sheet(shown: Shown, text: str) -> None:
    """Print a sheet as it reads, and how to answer it."""
    print_text(text)
    sheet = shown.sheet
    if sheet.waiting_for and sheet.state.value == "provisional":
        name = shown.names[sheet.waiting_for[0]]
        note(f"To accept: linernotes sheet accept {sheet.id} --version {sheet.version} --as {name!r}")
