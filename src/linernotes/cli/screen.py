"""What a person sees in a terminal: progress, the liner notes of an upload, the catalogue, problems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console, Group
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from linernotes.cli.problems import print_problems
from linernotes.formats import amounts, authorship, wording
from linernotes.formats.wording import printable
from linernotes.model import Evidence, Recording, RecordingEntry, SyntheticVerdict, Trace
from linernotes.money import micro_of_minor

if TYPE_CHECKING:
    from linernotes.journeys.demo import Demo
    from linernotes.journeys.listening import Progress as Report
    from linernotes.journeys.register import Registered

__all__ = [
    "note",
    "print_demo",
    "print_entry",
    "print_recording",
    "print_registered",
    "print_row",
    "print_traces",
    "progress_bar",
]

_console = Console(highlight=False)
_errors = Console(stderr=True, highlight=False)

_BLOCKS = " ▁▂▃▄▅▆▇█"
_COLOURS = ("dark_orange", "deep_sky_blue1", "spring_green2", "hot_pink", "gold1", "medium_purple1")
_WAVEFORM_WIDTH_MAX = 96
_LISTED_MAX = 24


@contextmanager
def progress_bar(verb: str) -> Iterator[Report]:
    """Show a bar with rate and time left on a terminal; silent where there is none."""
    columns = (
        TextColumn(verb),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", style="dim"),
        TimeRemainingColumn(),
    )
    screen = _console if _console.is_terminal else _errors  # one console, or bar and results would overwrite each other
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(verb, total=None, rate="")

        def report(n_done: int, n_all: int, audio_s: float) -> None:
            elapsed_s = bar.tasks[0].elapsed or 0.0
            rate = f"{audio_s / elapsed_s:.0f}× real time" if elapsed_s > 0 and audio_s > 0 else ""
            bar.update(task, completed=n_done, total=n_all, rate=rate)

        yield report


def note(text: str) -> None:
    """Say something beside the results."""
    _errors.print(Text(text, "dim"), soft_wrap=True)


def print_row(trace: Trace) -> None:
    """Print one upload of many in a line."""
    if trace.upload is None:
        print_problems(trace.problems)
        return
    line = Text.assemble(f"  {printable(trace.path)}  ", ("→", "dim"))
    for reference in {e.reference.id: e.reference for e in trace.evidence}.values():
        line.append_text(Text.assemble(f"  {printable(reference.title)} ", (printable(reference.artist), "dim")))
    _console.print(line if trace.evidence else line.append("  nothing known", "dim"), soft_wrap=True)
    print_problems(trace.problems)


def print_traces(traces: Sequence[Trace], *, catalogue_is_empty: bool) -> None:
    """Print the liner notes of uploads, one after the other."""
    for trace in traces:
        _print_trace(trace)
    if catalogue_is_empty and any(trace.upload for trace in traces):
        _console.print("  The catalogue is empty: register recordings first.\n")


def _print_trace(trace: Trace) -> None:
    if trace.upload is None:
        print_problems(trace.problems)
        return
    upload = trace.upload
    sound = f"{wording.sample_rate(upload.sample_rate_hz)} {wording.channel_count(upload.channels)}"
    facts = f"{wording.clock(upload.duration_s)} · {sound} · sha256 {upload.sha256[:12]}…"
    _console.print()
    _console.print(Text.assemble((printable(trace.path), "bold"), "  ", (facts, "dim")), soft_wrap=True)
    _console.print(Padding(_picture(trace), (1, 0, 1, 2)))
    _print_maker(trace)
    if not trace.evidence:
        _console.print(f"  {wording.verdict(trace)}")
    numbers = _numbers(trace.evidence)
    for evidence in trace.evidence:
        _print_evidence(evidence, numbers[evidence.reference.id])
    _print_credits(trace)
    print_problems(trace.problems)
    _console.print()


def _print_maker(trace: Trace) -> None:
    found = trace.synthetic
    if found is None:
        return
    odds = f"probability of a machine {found.probability:.2f}"
    _console.print(Padding(Text.assemble((authorship.headline(found), "bold"), (" · ", "dim"), odds), (0, 0, 0, 2)))
    accused = found.verdict in (SyntheticVerdict.AI, SyntheticVerdict.MIXED)
    for reason in found.reasons if accused else found.reasons[:1]:  # a doubt is no accusation
        _console.print(Padding(Text(printable(reason), "dim"), (0, 0, 0, 5)))


def _numbers(evidence: Sequence[Evidence]) -> dict[str, int]:
    return {key: n for n, key in enumerate(dict.fromkeys(e.reference.id for e in evidence))}


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _picture(trace: Trace) -> Group:
    """Draw the waveform, a lane for each reference, and a ruler."""
    upload = trace.upload
    assert upload is not None
    width = max(20, min(_WAVEFORM_WIDTH_MAX, _console.width - 6))
    edges = np.linspace(0, len(upload.waveform), width + 1).astype(int)
    heights = np.abs(upload.waveform).max(axis=1, initial=0.0)
    levels = np.array([heights[a : max(b, a + 1)].max(initial=0.0) for a, b in pairwise(edges)])
    loudest = float(levels.max(initial=0.0)) or 1.0
    lines = [Text("".join(_BLOCKS[round(8 * (level / loudest) ** 0.7)] for level in levels), "bright_black")]
    numbers = _numbers(trace.evidence)
    for reference_id, number in numbers.items():
        cells = [" "] * width
        for e in (e for e in trace.evidence if e.reference.id == reference_id):
            start = int(e.query_start_s / upload.duration_s * width)
            stop = max(start + 1, round(e.query_stop_s / upload.duration_s * width))
            cells[start:stop] = "━" * (min(stop, width) - start)
        lines.append(Text.assemble(("".join(cells), _colour(number)), (f" {number + 1}", _colour(number))))
    lines.append(Text(_ruler(upload.duration_s, width), "dim"))
    return Group(*lines)


def _ruler(duration_s: float, width: int) -> str:
    line = [" "] * width
    n_labels = 4
    for i in range(n_labels + 1):
        label = wording.clock(duration_s * i / n_labels)
        start = min(round(width * i / n_labels), width - len(label))
        line[start : start + len(label)] = label
    return "".join(line)


def _print_evidence(evidence: Evidence, number: int) -> None:
    reference = evidence.reference
    codes = " · ".join(f"{name} {code}" for name, code in (("ISRC", reference.isrc), ("ISWC", reference.iswc)) if code)
    _console.print(
        Text.assemble(
            (f"  {number + 1}  ", f"bold {_colour(number)}"),
            (printable(reference.title), "bold"),
            f"  {printable(reference.artist) or 'unknown artist'}  ",
            (codes, "dim"),
        )
    )
    there = wording.span(evidence.query_start_s, evidence.query_stop_s)
    here = wording.span(evidence.reference_start_s, evidence.reference_stop_s)
    odds = wording.likelihood(evidence.probability)
    _console.print(Text.assemble(f"     upload {there}", (" = ", "dim"), f"recording {here}", (" · ", "dim"), odds))
    _console.print(Padding(Text(evidence.explanation, "dim"), (0, 0, 0, 5)))


def _print_credits(trace: Trace) -> None:
    if not trace.credits:
        return
    _console.print("\n  Credits", style="bold")
    for because, group in groupby(trace.credits, key=lambda credit: credit.because):
        parts = [(c, "" if c.share in (None, 1) else c.share) for c in group]
        told = [f"{c.role.value} {printable(c.party)} {part}".rstrip() for c, part in parts]
        _console.print(Padding(Text(printable(because), "dim"), (0, 0, 0, 4)))
        _console.print(Padding(Text(" · ".join(told)), (0, 0, 0, 6)))


def print_registered(result: Registered, *, folder: Path, n_recordings: int) -> None:
    """Print what a registration did."""
    print_problems(result.problems)
    for recording in result.recordings if len(result.recordings) <= _LISTED_MAX else ():
        print_recording(recording)
    already = f", {len(result.already)} here already" if result.already else ""
    new = f"{len(result.recordings)} new ({result.audio_s / 60:.1f} min of sound){already}"
    _console.print(Text.assemble(("✓ ", "green"), f"{new}; {n_recordings} recordings in {folder}"), soft_wrap=True)
    if result.ignored_columns:
        note(f"Columns that were left alone: {', '.join(result.ignored_columns)}")


def print_recording(recording: Recording) -> None:
    """Print one recording of the catalogue in a line."""
    line = Text.assemble(
        (f"  {recording.id}  ", "dim"),
        (printable(recording.title), "bold"),
        f"  {printable(recording.artist)}  ",
        (f"{wording.clock(recording.duration_s)}  {recording.isrc or ''}", "dim"),
    )
    _console.print(line, soft_wrap=True)


def print_entry(entry: RecordingEntry) -> None:
    """Print a recording with its work, who made it and whose share it is."""
    print_recording(entry.recording)
    if entry.work is not None:
        _console.print(
            Text.assemble("  of the work ", (printable(entry.work.title), "bold"), f"  {entry.work.iswc or ''}")
        )
    names = {party.id: party.name for party in entry.parties}
    table = Table(box=None, padding=(0, 2), pad_edge=False, show_header=False)
    for did in entry.contributions:
        shares = [s for s in entry.shares if (s.subject_id, s.party_id) == (did.subject_id, did.party_id)]
        told = ", ".join(f"{s.right_type.value} {s.fraction}" for s in shares)
        table.add_row(did.role.value, Text(printable(names[did.party_id])), Text(told, "dim"))
    _console.print(Padding(table, (0, 0, 0, 4)))
    _console.print(Text(f"  {printable(entry.recording.path)}", "dim"), soft_wrap=True)


def print_demo(demo: Demo) -> None:
    """Print the story of the demo."""
    _console.print("\nA fictional band made some music; any likeness to real songs would be chance.\n")
    print_problems(demo.registered.problems)
    recordings = demo.registered.recordings
    n_new = (
        f"{len(recordings)} recordings registered"
        if recordings
        else f"{len(demo.registered.already)} were here already"
    )
    _console.print(Text.assemble(("✓ ", "green"), n_new), Text(f"in {demo.workspace}", "dim"), soft_wrap=True)
    print_traces(demo.traces, catalogue_is_empty=False)
    _print_money(demo)
    _console.print(Text.assemble("Look and listen: ", (str(demo.page), "bold")), soft_wrap=True)
    _console.print(Text.assemble("Read: ", (str(demo.paid.page), "bold")), soft_wrap=True)


def _print_money(demo: Demo) -> None:
    told, n_new = demo.paid.statement, len(demo.claims)
    asked = f"{n_new} claims: each label takes a quarter of the recording side, as its open offer says"
    _console.print(Text.assemble(("✓ ", "green"), asked if n_new else "the claims were here already"), soft_wrap=True)
    payable = amounts.money(micro_of_minor(told.payable_minor, told.currency), told.currency)
    paid = f"{told.period}: {told.party_name} is paid {payable}, the sum of {len(told.lines)} lines"
    proof = "every entry of the books adds up" if demo.paid.books_hold else "the books do not add up"
    _console.print(Text.assemble(("✓ ", "green"), f"{paid}; {proof}"), soft_wrap=True)
