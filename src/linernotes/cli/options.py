"""Options that commands share, and the one way out of a command that met problems."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["BAD_INPUT", "NOT_FOUND", "Jobs", "Json", "WorkspaceFolder"]

BAD_INPUT = 2
NOT_FOUND = 3

WorkspaceFolder = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="Catalogue and index; made on first use.  [default: $LINERNOTES_HOME or ./linernotes]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="For machines: JSON, one line for each input.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, metavar="N", help="Files at a time.  [default: one a core]", show_default=False),
]
