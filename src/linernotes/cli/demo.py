"""``linernotes demo``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from linernotes.cli.options import Json, now

__all__ = ["demo"]


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where the music, the workspace and the page go.")
    ] = Path("linernotes-demo"),
    as_json: Json = False,
) -> None:
    """Play the whole story on music it makes itself: register, trace, claim, pay, a page and a statement to open."""
    from linernotes.cli import screen
    from linernotes.formats.liner_notes import from_trace
    from linernotes.journeys import demo as journey

    with screen.progress_bar("Playing") as progress:
        result = journey.demo(folder, now=now, progress=progress)
    if as_json:
        summary = {
            "workspace": str(result.workspace),
            "registered": len(result.registered.recordings) + len(result.registered.already),
            "traces": [from_trace(notes) for notes in result.traces],
            "page": str(result.page),
            "claims": [{"id": claim.id, "party": claim.party_id, "state": claim.state} for claim in result.claims],
            "statement": str(result.paid.page),
        }
        typer.echo(json.dumps(summary, ensure_ascii=False))
    else:
        screen.print_demo(result)
