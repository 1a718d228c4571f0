"""``linernotes model``: licensed models, from consent to credits."""

import json
from pathlib import Path
from typing import Annotated

import typer

from linernotes.cli.options import BAD_INPUT, Json, WorkspaceFolder, exact, now
from linernotes.errors import ConflictError, ParameterError

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Train a model on works whose owners said yes; make music; pay for it.")

Release = Annotated[str, typer.Argument(metavar="RELEASE", help="A model release of the catalogue: its name or id.")]


@app.command()
def train(
    table: Annotated[Path, typer.Argument(metavar="CSV", help="The works: file, recording, style.")],
    release: Annotated[str, typer.Option(metavar="NAME", help="The model release this becomes: name or id.")],
    size: Annotated[str, typer.Option(metavar="SIZE", help="standard, small or tiny.")] = "standard",
    epochs: Annotated[int, typer.Option(min=1, max=1000, help="How often each work is read.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another model.")] = 0,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Train a release; it stops where a consent is missing, and names it."""
    from linernotes.cli import models_screen
    from linernotes.journeys import train as journey
    from linernotes.workspace import Workspace

    with Workspace(workspace, writable=True) as opened, models_screen.counting_bar("Training") as told:
        done = journey.train(
            opened, table, release=release, at=now(), size=size, n_epochs=epochs, seed=seed, progress=told
        )
    if as_json:
        typer.echo(json.dumps(models_screen.from_trained(done), ensure_ascii=False))
    else:
        models_screen.print_trained(done)
    if done.problems:
        raise typer.Exit(BAD_INPUT)


@app.command()
def generate(
    release: Release,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the pieces go.")],
    title: Annotated[str, typer.Option(metavar="TEXT", help="What the piece is called.")] = "Untitled",
    style: Annotated[str, typer.Option(metavar="TAG", help="A style of the training set.")] = "any",
    key: Annotated[str | None, typer.Option(metavar="KEY", help="Such as D minor.", show_default=False)] = None,
    metre: Annotated[str | None, typer.Option(metavar="METRE", help="Such as 6/8.", show_default=False)] = None,
    bars: Annotated[int, typer.Option(min=1, max=256, help="How long it is, or how much is added.")] = 16,
    tempo: Annotated[float, typer.Option(min=20, max=400, help="Quarter notes a minute.")] = 100.0,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="SONG", help="Whose form is taken, not its notes: a score, or a work.", show_default=False
        ),
    ] = None,
    go_on: Annotated[
        Path | None, typer.Option("--continue", metavar="SCORE", help="A score to go on from.", show_default=False)
    ] = None,
    infill: Annotated[
        str | None,
        typer.Option(metavar="FIRST-LAST", help="Of --continue: write these bars anew, from 1.", show_default=False),
    ] = None,
    variations: Annotated[int, typer.Option(min=1, max=100, help="How many pieces.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another piece.")] = 0,
    temperature: Annotated[float, typer.Option(min=0.1, max=2.0, help="Below 1 is more careful.")] = 0.95,
    band: Annotated[str, typer.Option(metavar="STYLE", help="Who plays it.")] = "indie folk",
    pool: Annotated[str, typer.Option(metavar="PART", help="The part of its earnings that its sources share.")] = "1/2",
    informativeness: Annotated[
        str | None,
        typer.Option(metavar="W", help="How much the attribution is measured to know, 0 to 1.", show_default=False),
    ] = None,
    isrc: Annotated[
        str | None, typer.Option(metavar="ISRC", help="Of the first piece; the next have the next.", show_default=False)
    ] = None,
    no_register: Annotated[bool, typer.Option("--no-register", help="Only write the files.")] = False,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Make pieces: MIDI, MusicXML, sound, and credits that pay whom they were learned from."""
    from linernotes.cli import models_screen
    from linernotes.journeys import generate as journey
    from linernotes.workspace import Workspace

    if infill and go_on is None:
        raise ParameterError("--infill needs --continue, the score whose bars are written anew")
    request = journey.Request(
        style=style,
        key=journey.key_of(key) if key else None,
        metre=journey.metre_of(metre) if metre else None,
        n_bars=bars,
        tempo_bpm=tempo,
        like=like,
        going_on=go_on,
        infill=_bars(infill) if infill else None,
        n_variations=variations,
        seed=seed,
        temperature=temperature,
        band=band,
        title=title,
    )
    with Workspace(workspace, writable=True) as opened, models_screen.counting_bar("Making") as told:
        done = journey.generate(
            opened,
            release,
            out,
            request,
            at=now(),
            pool=exact(pool, option="--pool"),
            informativeness=None if informativeness is None else exact(informativeness, option="--informativeness"),
            isrc=isrc,
            is_registered=not no_register,
            progress=told,
        )
    if as_json:
        typer.echo(json.dumps(models_screen.from_generated(done), ensure_ascii=False))
    else:
        models_screen.print_generated(done)
    if done.problems:
        raise typer.Exit(BAD_INPUT)


@app.command()
def show(
    release: Annotated[
        str | None, typer.Argument(metavar="[RELEASE]", help="Its name or id; all where none.", show_default=False)
    ] = None,
    workspace: WorkspaceFolder = None,
    as_json: Json = False,
) -> None:
    """Show what a release learned from, and whose consent was withdrawn since."""
    from linernotes.cli import models_screen
    from linernotes.journeys import releases
    from linernotes.workspace import Workspace

    with Workspace(workspace) as opened:
        wanted = releases.find_release(opened, release).id if release else None
        found = [pair for pair in releases.releases(opened) if wanted in (None, pair[1].release_id)]
        told = [(manifest, releases.withdrawn(opened, folder, manifest, on=now().date())) for folder, manifest in found]
    for manifest, marks in told:
        if as_json:
            typer.echo(json.dumps(models_screen.from_manifest(manifest, marks), ensure_ascii=False))
        else:
            models_screen.print_manifest(manifest, marks, with_works=release is not None)


@app.command()
def audit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A release's folder, as it was handed over.")],
    key: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="The public key that must have signed it.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a release without its maker: signature, weights, and the consent behind every work."""
    from linernotes.cli import models_screen
    from linernotes.journeys import releases

    done = releases.audited(folder, public_key=key)
    if as_json:
        typer.echo(json.dumps(models_screen.from_audited(done), ensure_ascii=False))
    else:
        models_screen.print_audited(done)
    if done.faults:
        raise ConflictError(f"{folder}: {len(done.faults)} faults; do not use this release", code="tampered")


def _bars(text: str) -> tuple[int, int]:
    """Read ``5-8``, bars as people count them, as a half-open range from 0."""
    first, _, last = text.partition("-")
    if not (first.strip().isdigit() and (last.strip() or first.strip()).isdigit()):
        raise ParameterError(f"--infill {text!r}: bars such as 5-8")
    return int(first) - 1, int(last or first)
