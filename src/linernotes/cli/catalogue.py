"""``linernotes catalogue``: works, recordings, parties and shares, in and out."""

import json
import sys
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from linernotes.cli.options import BAD_INPUT, Jobs, Json, WorkspaceFolder, day, now
from linernotes.cli.problems import print_problems

__all__ = ["Format", "app", "check", "export", "import_", "list_recordings", "show"]

app = typer.Typer(no_args_is_help=True, help="Works, recordings, parties and shares: in, out, and do they add up.")

On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="As it was on this day.")]


class Format(StrEnum):
    """What a catalogue can be written as."""

    CSV = "csv"
    CWR = "cwr"
    ERN = "ern"


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Tables (CSV), CWR 2.1 or 2.2, ERN 4.")],
    begins: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            help="What the files say holds from this day on, in place of what held before.",
        ),
    ] = None,
    workspace: WorkspaceFolder = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Enter what files say; which format each has is seen from what is in it."""
    from linernotes.cli import catalogue_screen, screen
    from linernotes.formats.liner_notes import from_problem
    from linernotes.journeys import catalogue as journey
    from linernotes.workspace import Workspace

    on = None if begins is None else day(begins, option="--from")
    with Workspace(workspace, writable=True) as opened, screen.progress_bar("Importing") as progress:
        result = journey.import_files(
            opened, files, on=on, progress=lambda done, _all: progress(done, done, 0.0), jobs=jobs
        )
    if as_json:
        numbers = ["lines", "faulty", "parties", "works", "recordings", "voices", "model_releases"]
        numbers += ["known", "shares_ended", "changed"]
        summary: dict[str, Any] = {f"n_{name}": getattr(result, f"n_{name}") for name in numbers}
        summary |= {"formats": result.formats, "ignored_columns": result.ignored_columns}
        summary["acknowledgements"] = [
            {"title": a.title, "number": a.number, "recipient_number": a.recipient_number, "status": a.status}
            for a in result.acknowledgements
        ]
        summary["taken_down"] = result.taken_down
        summary["problems"] = [from_problem(problem) for problem in result.problems]
        typer.echo(json.dumps(summary, ensure_ascii=False))
    else:
        catalogue_screen.print_imported(result)
    if result.problems:
        raise typer.Exit(BAD_INPUT)


@app.command()
def export(
    form: Annotated[Format, typer.Option("--format", help="csv: all of it. cwr: works. ern: recordings.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="[default: what you see]")] = None,
    release: Annotated[
        str | None, typer.Option("--version", metavar="V", help="Of CWR: 2.1 (default), 2.2. Of ERN: 4.3.2, 4.3.")
    ] = None,
    sender: Annotated[str | None, typer.Option(metavar="NAME", help="Who sends it (CWR, ERN).")] = None,
    sender_ipi: Annotated[str | None, typer.Option(metavar="IPI", help="The sender's IPI name number (CWR).")] = None,
    sender_dpid: Annotated[str | None, typer.Option(metavar="DPID", help="The sender's DDEX number (ERN).")] = None,
    recipient: Annotated[str | None, typer.Option(metavar="NAME", help="Who receives it (ERN).")] = None,
    recipient_dpid: Annotated[
        str | None, typer.Option(metavar="DPID", help="The recipient's DDEX number (ERN).")
    ] = None,
    deal_from: Annotated[
        str | None, typer.Option(metavar="DATE", help="The recordings may be used from this day, worldwide (ERN).")
    ] = None,
    takedown: Annotated[bool, typer.Option("--takedown", help="Take the recordings down: no deal (ERN).")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this recording, by id or ISRC; may be repeated (ERN).")
    ] = None,
    workspace: WorkspaceFolder = None,
) -> None:
    """Write the catalogue as a table, as CWR or as ERN; what the format cannot say is told."""
    from linernotes.errors import ParameterError
    from linernotes.formats.ddex_print import ErnParty
    from linernotes.journeys import interchange
    from linernotes.model import Problem
    from linernotes.workspace import Workspace

    def needed(value: str | None, option: str) -> str:
        if value is None:
            raise ParameterError(f"--format {form.value} needs {option}")
        return value

    problems: list[Problem] = []
    with Workspace(workspace) as opened:
        text: Iterable[str]
        if form is Format.CSV:
            text = interchange.table(opened, problems)
        elif form is Format.CWR:
            name, ipi = needed(sender, "--sender"), needed(sender_ipi, "--sender-ipi")
            text = interchange.cwr(opened, problems, sender=name, sender_ipi=ipi, at=now(), version=release or "2.1")
        else:
            if takedown == (deal_from is not None):
                raise ParameterError(
                    "--format ern needs either --deal-from DATE or --takedown: without a deal it is one"
                )
            text = interchange.ern(
                opened,
                problems,
                sender=ErnParty(needed(sender_dpid, "--sender-dpid"), needed(sender, "--sender")),
                recipient=ErnParty(needed(recipient_dpid, "--recipient-dpid"), needed(recipient, "--recipient")),
                at=now(),
                deal_from=None if deal_from is None else day(deal_from, option="--deal-from"),
                version=release or "4.3.2",
                only=only or (),
            )
        _write(text, out)
    print_problems(problems)


def _write(text: Iterable[str], out: Path | None) -> None:
    """Write to a file, whole or not at all, or to the screen."""
    if out is None:
        sys.stdout.writelines(text)
        return
    partial = out.with_name(f".{out.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as handle:
            handle.writelines(text)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


@app.command("list")
def list_recordings(
    model_releases: Annotated[
        bool, typer.Option("--model-releases", help="The model releases, and who answers for them.")
    ] = False,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """List the recordings, or the model releases, in order of id."""
    from linernotes.cli import catalogue_screen, screen
    from linernotes.formats.liner_notes import from_recording
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        if model_releases:
            for page in opened.catalogue.model_releases():
                if not as_json:
                    catalogue_screen.print_model_releases(page)
                    continue
                for release in page.model_releases.values():
                    typer.echo(json.dumps(catalogue_screen.from_model_release(release, page), ensure_ascii=False))
            return
        for recording in opened.catalogue:
            if as_json:
                typer.echo(json.dumps(from_recording(recording), ensure_ascii=False))
            else:
                screen.print_recording(recording)


@app.command()
def show(
    key: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A recording, work, voice, model release or party: its id, ISRC, ISWC, IPI, ISNI, whole name.",
        ),
    ],
    on: On = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Show a recording, work, voice, model release or party: who made what, and whose share it is, or was on a day."""
    from linernotes.cli import catalogue_screen
    from linernotes.formats.liner_notes import from_entry
    from linernotes.journeys import catalogue as journey
    from linernotes.model import RecordingEntry
    from linernotes.workspace import Workspace

    held_on: date | None = None if on is None else day(on, option="--on")
    with Workspace(workspace) as opened:
        page = journey.describe(opened, key, on=held_on)
    if as_json:
        for recording in page.recordings:
            work = page.works.get(recording.work_id or "")
            subjects = [recording.id, *([work.id] if work else [])]
            entry = RecordingEntry(
                recording,
                work,
                sorted(page.parties.values(), key=lambda party: party.name),
                [did for subject in subjects for did in page.contributions.get(subject, ())],
                [share for subject in subjects for share in page.shares.get(subject, ())],
            )
            typer.echo(json.dumps(from_entry(entry), ensure_ascii=False))
        performed = {recording.work_id for recording in page.recordings}
        for work in page.works.values():
            if work.id not in performed:
                typer.echo(json.dumps(catalogue_screen.from_work(work, page), ensure_ascii=False))
        for voice in page.voices.values():
            typer.echo(json.dumps(catalogue_screen.from_voice(voice, page), ensure_ascii=False))
        for release in page.model_releases.values():
            typer.echo(json.dumps(catalogue_screen.from_model_release(release, page), ensure_ascii=False))
    else:
        catalogue_screen.print_page(page)


@app.command()
def check(workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Say where shares are missing, claimed twice or said twice; nothing is changed."""
    from linernotes.cli import catalogue_screen
    from linernotes.formats.liner_notes import from_problem
    from linernotes.journeys import catalogue as journey
    from linernotes.workspace import Workspace

    checked = journey.Checked()
    with Workspace(workspace) as opened:
        for problem in journey.check(opened, checked):
            if as_json:
                typer.echo(json.dumps(from_problem(problem), ensure_ascii=False))
            else:
                catalogue_screen.print_finding(problem)
    if not as_json:
        catalogue_screen.print_checked(checked)
    if checked.n_findings:
        raise typer.Exit(BAD_INPUT)
