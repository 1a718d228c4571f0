"""``linernotes usage``: reports in, and what became of them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from linernotes.cli.options import BAD_INPUT, Json, WorkspaceFolder, now

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Bring usage reports in, and see what became of them.")

ReportKey = Annotated[str, typer.Argument(metavar="REPORT", help="The report's id or the start of it, or a file name.")]


@app.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="Digital Sales Reports (DDEX) and tables, gzipped or not; sets whole."),
    ],
    memory: Annotated[
        int, typer.Option(metavar="MIB", min=256, help="What the engine may hold; the rest goes to the disk.")
    ] = 1024,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Bring reports in. The same report twice changes nothing; faulty lines are kept beside the good ones."""
    from linernotes.cli import screen, usage_screen
    from linernotes.formats.liner_notes import from_problem
    from linernotes.journeys import usage as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened, screen.progress_bar("Importing") as progress:
        result = journey.import_usage(opened, files, at=now(), memory_mib=memory, progress=progress)
    if as_json:
        told = {
            "imported": [usage_screen.from_report(report) for report in result.reports],
            "already": [report.id for report in result.already],
            "ignored_columns": list(result.ignored_columns),
            "problems": [from_problem(problem) for problem in result.problems],
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        usage_screen.print_imported(result)
    if result.problems or any(report.n_faulty for report in result.reports):
        raise typer.Exit(BAD_INPUT)


@app.command("list")
def list_(workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """List the reports that came in, the newest last."""
    from linernotes.cli import usage_screen
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        reports = opened.usage.reports()
    if as_json:
        typer.echo(json.dumps([usage_screen.from_report(report) for report in reports], ensure_ascii=False))
    else:
        usage_screen.print_reports(reports)


@app.command()
def unmatched(
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Rows to show.")] = 50,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Show what was used and the catalogue does not know, what brought most first."""
    from linernotes.cli import usage_screen
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        rows = opened.usage.unmatched(limit=limit)
    if as_json:
        typer.echo(json.dumps([usage_screen.from_unmatched(row) for row in rows], ensure_ascii=False))
    else:
        usage_screen.print_unmatched(rows)


@app.command()
def faults(report: ReportKey, workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """Show what is wrong with a report: each faulty line with its reason, and the figures it contradicts."""
    from linernotes.cli import usage_screen
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        found = opened.usage.find(report)
        for fault in opened.usage.faults(found.id):
            if as_json:
                typer.echo(json.dumps(usage_screen.from_fault(found, fault), ensure_ascii=False))
            else:
                usage_screen.print_fault(found, fault)
