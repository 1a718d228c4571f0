"""``linernotes register``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from linernotes.cli.options import BAD_INPUT, Jobs, Json, WorkspaceFolder

__all__ = ["register"]


def register(
    audio: Annotated[
        list[Path] | None, typer.Argument(metavar="AUDIO…", help="Sound files, and folders of them.")
    ] = None,
    metadata: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Who made what: a column [b]file[/b] and any of title, artist, isrc, iswc, writers, publisher, label,"
            " producer, year. Without AUDIO, the files it names are registered.",
        ),
    ] = None,
    workspace: WorkspaceFolder = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Put recordings into the catalogue and the index."""
    from linernotes.cli import screen
    from linernotes.errors import ParameterError
    from linernotes.formats.liner_notes import from_problem
    from linernotes.journeys import register as journey
    from linernotes.workspace import Workspace

    if not audio and metadata is None:
        raise ParameterError("nothing to register: name sound files, folders, or a table with --metadata")
    with Workspace(workspace, writable=True) as opened, screen.progress_bar("Registering") as progress:
        result = journey.register(opened, audio or [], metadata=metadata, progress=progress, jobs=jobs)
        n_recordings = len(opened.catalogue)
    if as_json:
        summary = {
            "workspace": str(opened.folder),
            "registered": [
                {"id": r.id, "title": r.title, "artist": r.artist, "path": r.path} for r in result.recordings
            ],
            "already": result.already,
            "ignored_columns": list(result.ignored_columns),
            "problems": [from_problem(problem) for problem in result.problems],
        }
        typer.echo(json.dumps(summary, ensure_ascii=False))
    else:
        screen.print_registered(result, folder=opened.folder, n_recordings=n_recordings)
    if result.problems:
        raise typer.Exit(BAD_INPUT)
