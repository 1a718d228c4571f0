"""The command line: ``linernotes COMMAND …``.

Exit codes: 0 fine · 2 bad input (the rest of a batch is done all the same) · 3 not found · 4 conflict · 5 something is
missing · 70 a bug of ours. Commands import their journeys when they run: ``--help`` must not wait for numba and
SQLAlchemy.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: threads of ours share the cores already

import atexit
import gc
import sys
import traceback
from typing import Annotated

import typer

import linernotes
from linernotes.cli import (
    attribution,
    catalogue,
    claims,
    demo,
    ledger,
    master,
    models,
    notices,
    payments,
    platforms,
    policies,
    register,
    royalties,
    serve,
    sheets,
    statement,
    trace,
    usage,
)
from linernotes.cli.options import BAD_INPUT, BROKEN, CONFLICT, NOT_FOUND, UNAVAILABLE
from linernotes.errors import ConflictError, InputError, LinernotesError, NotFoundError, UnavailableError
from linernotes.formats.wording import printable

__all__ = ["app", "main"]

_EXIT_CODES: tuple[tuple[type[LinernotesError], int], ...] = (
    (InputError, BAD_INPUT),
    (NotFoundError, NOT_FOUND),
    (ConflictError, CONFLICT),
    (UnavailableError, UNAVAILABLE),
)
_GARBAGE_LEAST = 100_000
"""New objects before Python looks for garbage: at 700 it takes a tenth of the time while modules load."""

app = typer.Typer(
    name="linernotes",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("register")(register.register)
app.command("trace")(trace.trace)
app.command("master")(master.master)
app.command("serve")(serve.serve)
app.command("statement")(statement.statement)
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(claims.app, name="claims")
app.add_typer(payments.app, name="payments")
app.add_typer(policies.app, name="policy")
app.add_typer(platforms.app, name="platforms")
app.add_typer(sheets.app, name="sheet")
app.add_typer(usage.app, name="usage")
app.add_typer(royalties.app, name="royalties")
app.add_typer(ledger.app, name="ledger")
app.add_typer(models.app, name="model")
notices.attach(claims.app)
attribution.attach(models.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"linernotes {linernotes.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hear what a piece of music was made from, and write its liner notes."""


def _let_go() -> None:
    """Spare what is left when Python goes the search for cycles: a fifth of a second; DuckDB would tell of leaks."""
    if "duckdb" not in sys.modules:
        gc.freeze()


def main() -> None:
    """Run the command line; every error leaves as one clear line and an exit code."""
    gc.set_threshold(_GARBAGE_LEAST)
    atexit.register(_let_go)
    try:
        app()
    except LinernotesError as error:
        code = next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), BROKEN)
        _leave(f"linernotes: {error}", code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; not our error
        sys.exit(0)
    except Exception as error:  # noqa: BLE001  (the one place where a bug may end up)
        traceback.print_exc()
        _leave(f"linernotes: a bug of ours, please report it with the lines above: {error!r}", BROKEN)


def _leave(message: str, code: int) -> None:
    sys.stdout.flush()
    print(printable(message), file=sys.stderr)
    sys.exit(code)
