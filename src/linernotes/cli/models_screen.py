"""What a person, or a program, sees of models: releases, audits, and the pieces that were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from linernotes.cli.problems import print_problems
from linernotes.cli.screen import progress_bar
from linernotes.formats.liner_notes import from_problem
from linernotes.formats.wording import printable

if TYPE_CHECKING:
    from linernotes.journeys.generate import Generated
    from linernotes.journeys.releases import Withdrawn
    from linernotes.journeys.train import Trained
    from linernotes.learn.manifest import Manifest
    from linernotes.learn.release import Audited

__all__ = [
    "counting_bar",
    "from_audited",
    "from_generated",
    "from_manifest",
    "from_trained",
    "print_audited",
    "print_generated",
    "print_manifest",
    "print_trained",
]

_console = Console(highlight=False)
_errors = Console(stderr=True, highlight=False)


@contextmanager
def counting_bar(verb: str) -> Iterator[Callable[..., None]]:
    """Show how much of a task is done: its first two numbers; what else is told, such as a loss, is not shown."""
    with progress_bar(verb) as report:
        yield lambda done, n_all, *_: report(done, n_all, 0.0)


def from_trained(done: Trained) -> dict[str, Any]:
    """Return a training as JSON's types."""
    return {
        "folder": str(done.folder),
        "release_id": done.manifest.release_id,
        "works": len(done.manifest.works),
        "left_out": [{"reference_id": key, "reason": reason} for key, reason in done.manifest.left_out],
        "bits_per_token": round(done.bits_per_token, 4),
        "public_key": done.public_key,
        "problems": [from_problem(problem) for problem in done.problems],
    }


def from_manifest(manifest: Manifest, marks: Sequence[Withdrawn]) -> dict[str, Any]:
    """Return a release as JSON's types, with every work, owner and consent."""
    return {**asdict(manifest), "withdrawn": [asdict(mark) for mark in marks]}


def from_audited(done: Audited) -> dict[str, Any]:
    """Return an audit as JSON's types."""
    return {
        "release_id": done.manifest.release_id,
        "release": done.manifest.release,
        "works": len(done.manifest.works),
        "public_key": done.public_key,
        "faults": list(done.faults),
    }


def from_generated(done: Generated) -> dict[str, Any]:
    """Return what was made, and what was stopped, as JSON's types."""
    return {
        "outputs": [
            {
                "title": output.title,
                "recording_id": output.recording_id,
                "files": [str(path) for path in output.files.values()],
                "credits": output.credits,
            }
            for output in done.outputs
        ],
        "stopped": [asdict(stopped) for stopped in done.stopped],
        "withdrawn": [asdict(mark) for mark in done.withdrawn],
        "problems": [from_problem(problem) for problem in done.problems],
    }


def print_trained(done: Trained) -> None:
    """Print what a training came to."""
    manifest = done.manifest
    owners = {given.party_id for work in manifest.works for given in work.consents}
    _console.print(Text.assemble((printable(manifest.release), "bold"), f"  {manifest.release_id}"))
    _console.print(f"  {len(manifest.works)} works of {len(owners)} parties, {done.bits_per_token:.2f} bits a token")
    _console.print(f"  {done.folder}, signed by {done.public_key}", soft_wrap=True)
    print_problems(done.problems)


def print_manifest(manifest: Manifest, marks: Sequence[Withdrawn], *, with_works: bool) -> None:
    """Print a release, and, ``with_works``, every work with who consented."""
    said = Text.assemble(
        (printable(manifest.release), "bold"),
        f"  {manifest.release_id}  {len(manifest.works)} works, trained on {manifest.trained_on}",
    )
    _console.print(said, soft_wrap=True)
    for mark in marks:
        told = f"  ✗ consent withdrawn, seen on {mark.since}: {printable(mark.title)}: {printable(mark.because)}"
        _console.print(Text(told, "red"), soft_wrap=True)
    if with_works:
        table = Table("work", "style", "consent of", "by rule", box=None)
        for work in manifest.works:
            whose = ", ".join(printable(given.party) for given in work.consents)
            table.add_row(printable(work.title), work.style, whose, ", ".join(g.policy_id for g in work.consents))
        _console.print(table)


def print_audited(done: Audited) -> None:
    """Print what an audit found."""
    manifest = done.manifest
    _console.print(Text.assemble((printable(manifest.release), "bold"), f"  {manifest.release_id}"))
    _console.print(f"  {len(manifest.works)} works, each with consent; signed by {done.public_key}", soft_wrap=True)
    for fault in done.faults:
        _console.print(Text(f"  ✗ {printable(fault)}", "red"), soft_wrap=True)
    if not done.faults:
        _console.print("  Signature, weights and works are what was signed.")


def print_generated(done: Generated) -> None:
    """Print each piece with its files and who is owed most; then what was stopped."""
    for output in done.outputs:
        _console.print(Text.assemble((printable(output.title), "bold"), f"  {output.recording_id or 'not registered'}"))
        for path in output.files.values():
            _console.print(f"  {path}", soft_wrap=True)
        for owner in output.credits["owners"][:5]:
            _console.print(f"  {owner['ppm'] / 10_000:8.4f} %  {printable(owner['party'])}")
    for stopped in done.stopped:
        notes = " ".join(map(str, stopped.passage.pitches))
        whose = ", ".join(map(printable, stopped.works[:3]))
        told = f"  ✗ a draft of {printable(stopped.title)} was stopped: {len(stopped.passage.pitches)} notes of {whose}"
        _errors.print(Text(f"{told}: {notes}", "yellow"), soft_wrap=True)
    for mark in done.withdrawn:
        _errors.print(Text(f"  ✗ consent withdrawn: {printable(mark.title)}: {printable(mark.because)}", "red"))
    print_problems(done.problems)
