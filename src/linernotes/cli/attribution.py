"""``linernotes model prepare``, ``measure`` and ``attribute``: where a piece came from, and how far that is known."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linernotes.cli.options import Json, WorkspaceFolder

if TYPE_CHECKING:
    from linernotes.journeys.attribute import Attribution

__all__ = ["attach", "attribute", "measure", "prepare"]

Release = Annotated[str, typer.Argument(metavar="RELEASE", help="Its name or id.")]


def attach(app: typer.Typer) -> None:
    """Add the commands to ``linernotes model``."""
    app.command()(prepare)
    app.command()(measure)
    app.command()(attribute)


def prepare(
    release: Release,
    runs: Annotated[
        int, typer.Option(metavar="N", help="Trainings to ask, with the release's own; more narrow the intervals.")
    ] = 1,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Ask a release's checkpoints about every work, once, so that its pieces can be attributed by gradients."""
    from linernotes.cli.models_screen import counting_bar
    from linernotes.journeys import attribute as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened, counting_bar("Preparing") as told:
        folder = journey.prepare(opened, release, n_runs=runs, progress=told)
    typer.echo(json.dumps({"folder": str(folder), "runs": runs}) if as_json else f"prepared: {folder}")


def measure(
    release: Release,
    subsets: Annotated[int, typer.Option(metavar="N", help="Halves of the works to train on, two seeds each.")] = 8,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Train on halves of the works to see how much of an attribution is so: w, which royalties are paid by."""
    from linernotes.cli.models_screen import counting_bar
    from linernotes.journeys import attribute as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened, counting_bar("Measuring") as told:
        found = journey.measure(opened, release, n_subsets=subsets, progress=told)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    typer.echo(f"w = {found.informativeness_ppm / 1e6:.3f}, from {found.n_subsets} halves × {found.n_seeds} seeds")
    typer.echo(f"LDS {found.lds:.3f} ({found.lds_low:.3f} to {found.lds_high:.3f}), ceiling {found.ceiling:.3f}")


def attribute(
    release: Release,
    score: Annotated[Path, typer.Argument(metavar="SCORE", help="A piece: MIDI, MusicXML, ABC, kern.")],
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Say which works of a release influenced a piece, which it copies, and which it is like: three numbers."""
    from linernotes.formats.liner_notes import from_problem
    from linernotes.journeys import attribute as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        found = journey.attribute(opened, release, score)
    if as_json:
        told = asdict(found) | {"problems": [from_problem(problem) for problem in found.problems]}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        _print(found)


def _print(found: Attribution) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from linernotes.formats.wording import printable

    console = Console(highlight=False)
    owners = Table("catalogue", "share", "90 %")
    for owed in found.catalogues:
        interval = f"{owed.low_ppm / 1e4:.1f} – {owed.high_ppm / 1e4:.1f} %"
        owners.add_row(Text(printable(owed.party)), f"{owed.share_ppm / 1e4:.2f} %", interval)
    works = Table("work", "influenced", "copied", "similar")
    for work in found.works:
        numbers = f"{work.influenced_ppm / 1e4:.2f} %", f"{100 * work.copied:.0f} %", f"{work.similar:.2f}"
        works.add_row(Text(printable(work.title)), *numbers)
    console.print(f"{found.method}, {found.n_runs} trainings, w = {found.informativeness_ppm / 1e6:.3f}")
    console.print(owners)
    console.print(works)
    for passage in found.passages:
        notes = f"notes {passage['first_note'] + 1} to {passage['last_note'] + 1}"
        console.print(f"copied: {notes}, as in {', '.join(passage['work_ids'])}")
    for problem in found.problems:
        console.print(Text(f"{problem.code}: {problem.message}"))
