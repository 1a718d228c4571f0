"""``linernotes catalogue``: what has been registered."""

import json
from typing import Annotated

import typer

from linernotes.cli.options import Json, WorkspaceFolder

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="See what has been registered.")


@app.command("list")
def list_recordings(workspace: WorkspaceFolder = None, as_json: Json = False) -> None:
    """List the recordings, in order of id."""
    from linernotes.cli import screen
    from linernotes.formats.liner_notes import from_recording
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        for recording in opened.catalogue:
            if as_json:
                typer.echo(json.dumps(from_recording(recording), ensure_ascii=False))
            else:
                screen.print_recording(recording)


@app.command()
def show(
    recording_id: Annotated[str, typer.Argument(metavar="ID", help="A recording's id, as list prints it.")],
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Show a recording with its work, who made it, and whose share it is."""
    from linernotes.cli import screen
    from linernotes.formats.liner_notes import from_entry
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        entry = opened.catalogue.entry(recording_id)
    if as_json:
        typer.echo(json.dumps(from_entry(entry), ensure_ascii=False))
    else:
        screen.print_entry(entry)
