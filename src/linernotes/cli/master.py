"""``linernotes master``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from linernotes.cli.options import BAD_INPUT, CONFLICT, NOT_FOUND, UNAVAILABLE, Jobs, Json, WorkspaceFolder

__all__ = ["master"]


def master(
    audio: Annotated[
        list[Path] | None, typer.Argument(metavar="AUDIO…", help="Sound files, and folders of them.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the masters go.")] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(metavar="REF", help="Sound like this recording; several average. Or a saved profile."),
    ] = None,
    loudness: Annotated[
        float | None,
        typer.Option(metavar="LUFS", help="Integrated loudness.  [default: the reference's, else -14]"),
    ] = None,
    peak: Annotated[float | None, typer.Option(metavar="DBTP", help="True-peak ceiling.  [default: -1]")] = None,
    album: Annotated[bool, typer.Option("--album", help="Keep the songs' loudness beside each other.")] = False,
    codecs: Annotated[
        str | None,
        typer.Option(
            metavar="CODEC,…",
            help="Hold the ceiling after these: mp3_128, mp3_320, aac_128, aac_256, opus_128, or all.",
        ),
    ] = None,
    preset: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings from a file, JSON or TOML.")] = None,
    amount: Annotated[
        list[str] | None,
        typer.Option(metavar="STAGE=PERCENT", help="Of tone, dynamics, width, loudness, limiter or all; 0 is off."),
    ] = None,
    bits: Annotated[
        int | None, typer.Option(metavar="16|24|32", help="Of a sample; 32 is floating point.  [default: the input's]")
    ] = None,
    container: Annotated[
        str | None, typer.Option("--format", metavar="wav|flac", help="[default: FLAC of FLAC, else WAV]")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="HTML", help="Write a page with pictures and sounds to compare.")
    ] = None,
    save_preset: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep these settings.")] = None,
    save_profile: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep what the references measure.")] = None,
    workspace: WorkspaceFolder = None,  # noqa: ARG001  (every command takes it; masters live in --out)
    jobs: Jobs = None,
    as_json: Json = False,
) -> None:
    """Master a song, many, or an album: tone, dynamics, loudness, true peak."""
    from linernotes.cli import master_screen, screen
    from linernotes.errors import ParameterError
    from linernotes.formats.masters import from_master
    from linernotes.journeys.master import CODECS, Order, master_many
    from linernotes.journeys.master_preset import preset_asked, profile_asked, save

    _check(audio, out, bits, container, dry_run=dry_run, saves=save_preset is not None or save_profile is not None)
    profile = profile_asked(reference or [], jobs=jobs)
    wanted = preset_asked(
        preset, profile=profile, loudness_lufs=loudness, peak_dbtp=peak, amounts=amount or [], album=album
    )
    if save_profile is not None:
        if profile is None:
            raise ParameterError("--save-profile needs --reference: what should it be measured from?")
        save(profile, save_profile)
    if save_preset is not None:
        save(wanted, save_preset)
    if not audio:
        return
    names = CODECS if codecs == "all" else tuple(filter(None, (codecs or "").split(",")))
    order = Order(out or Path(), wanted, names, album, bits, container, dry_run)
    told, problem_codes = [], set[str]()
    with screen.progress_bar("Mastering") as progress:
        for made in master_many(audio, order, progress=progress, jobs=jobs):
            problem_codes |= {problem.code for problem in made.problems}
            if as_json:
                typer.echo(json.dumps(from_master(made), ensure_ascii=False))
            else:
                master_screen.print_master(made)
            told.append(made)
    if report is not None:
        from linernotes.journeys.master_page import write_master_page

        write_master_page(told, report, album=album)
        screen.note(f"Page: {report}")
    if problem_codes:
        alone = {"not_found": NOT_FOUND, "conflict": CONFLICT, "storage": UNAVAILABLE}
        raise typer.Exit(alone.get(problem_codes.pop(), BAD_INPUT) if len(problem_codes) == 1 else BAD_INPUT)


def _check(
    audio: list[Path] | None, out: Path | None, bits: int | None, container: str | None, *, dry_run: bool, saves: bool
) -> None:
    from linernotes.errors import ParameterError

    if not audio and not saves:
        raise ParameterError("nothing to master: name sound files or folders")
    if audio and out is None and not dry_run:
        raise ParameterError("where should the masters go? name a folder with --out")
    if bits not in (None, 16, 24, 32):
        raise ParameterError(f"--bits {bits}: 16, 24 or 32")
    if container not in (None, "wav", "flac"):
        raise ParameterError(f"--format {container!r}: wav or flac")
    if container == "flac" and bits == 32:
        raise ParameterError("--bits 32: FLAC holds 16 or 24; take --format wav")
