"""``linernotes trace``."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from linernotes.cli.options import BAD_INPUT, NOT_FOUND, Jobs, Json, WorkspaceFolder

if TYPE_CHECKING:
    from linernotes.model import Trace
    from linernotes.workspace import Workspace

__all__ = ["trace"]


def trace(
    audio: Annotated[list[Path], typer.Argument(metavar="AUDIO…", help="Uploads, and folders of them.")],
    only: Annotated[
        str | None,
        typer.Option(metavar="EAR,…", help="Listen for these alone: synthetic, recording.", show_default=False),
    ] = None,
    least: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="P",
            help="Tell evidence from this probability on.  [default: 0.75]",
            show_default=False,
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="OUT", help="Write a page to look at and to listen to.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write JSON Lines, and go on where an earlier run on this file ended."),
    ] = None,
    workspace: WorkspaceFolder = None,
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Write the liner notes of an upload, or of each file in a folder."""
    from linernotes.journeys.decoders import start_decoders

    start_decoders()  # while the rest is imported
    from linernotes.cli import screen
    from linernotes.formats.liner_notes import from_trace
    from linernotes.journeys.results import ResultsFile
    from linernotes.journeys.trace import EARS, THRESHOLD, trace_many
    from linernotes.workspace import Workspace

    ears = EARS if only is None else tuple(filter(None, only.split(",")))
    codes, told = set[str](), []
    with ExitStack() as stack:
        opened = stack.enter_context(Workspace(workspace))
        results = stack.enter_context(ResultsFile(out, index_revision=opened.index.revision)) if out else None
        with screen.progress_bar("Tracing") as progress:
            for notes in trace_many(
                opened,
                audio,
                only=ears,
                least=THRESHOLD if least is None else least,
                done=results,
                progress=progress,
                jobs=jobs,
            ):
                codes |= {problem.code for problem in notes.problems}
                claimed = _claims(opened, notes) if results is not None or as_json else {}
                if results is not None:
                    results.append(notes, **claimed)
                if as_json:
                    typer.echo(json.dumps(from_trace(notes, **claimed), ensure_ascii=False))
                elif not _is_one_file(audio):
                    screen.print_row(notes)
                if html is not None or _is_one_file(audio):
                    told.append(notes)
        if not as_json and _is_one_file(audio):
            screen.print_traces(told, catalogue_is_empty=not len(opened.index))
        if html is not None:
            from linernotes.journeys.page import write_page  # Jinja costs a third of a second

            write_page(opened, told, html)
            screen.note(f"Page: {html}")
        if results is not None and results.kept:
            codes |= results.problem_codes
            screen.note(f"{len(results.kept)} were in {out} already")
    if codes:
        raise typer.Exit(NOT_FOUND if codes == {"not_found"} else BAD_INPUT)


def _claims(workspace: "Workspace", notes: "Trace") -> dict[str, Any]:
    """Return the claims on an upload, and the names of their parties, as from_trace takes them."""
    from linernotes.journeys.claim import claims_of

    sha256 = notes.upload.sha256 if notes.upload else ""
    found = claims_of(workspace, [sha256])[sha256]
    return {"claims": found, "names": workspace.claims.names({claim.party_id for claim in found})}


def _is_one_file(audio: list[Path]) -> bool:
    return len(audio) == 1 and not audio[0].is_dir()
