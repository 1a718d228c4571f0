"""What a person wants of a master, put together: a preset, references, and what is said beside them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from linernotes.errors import FormatError, NotFoundError, ParameterError
from linernotes.formats.presets import amounts_given, read_preset, read_profile, written
from linernotes.journeys.files import write_whole
from linernotes.journeys.listening import find_audio, over_cores
from linernotes.journeys.master import LOUDNESS_LUFS, album_amounts, measured
from linernotes.model import Preset, Profile
from linernotes.render.mastering import profile_of

__all__ = ["preset_asked", "preset_changed", "profile_asked", "save"]

_PROFILE_SUFFIXES = (".json", ".toml")
_LEAST_LUFS, _LEAST_DBTP = -60.0, -60.0


def preset_asked(
    preset_file: Path | None,
    *,
    profile: Profile | None = None,
    loudness_lufs: float | None = None,
    peak_dbtp: float | None = None,
    amounts: Sequence[str] = (),
    album: bool = False,
) -> Preset:
    """Put a preset together: the file's, changed by what is said beside it.

    Without any loudness, of a file, of a profile or said, it is -14 LUFS.

    Raises
    ------
    NotFoundError, FormatError if a file cannot be used; ParameterError if a number cannot be had
    """
    if loudness_lufs is not None and not _LEAST_LUFS <= loudness_lufs <= 0:
        raise ParameterError(f"--loudness {loudness_lufs:g}: {_LEAST_LUFS:g} to 0 LUFS can be had")
    if peak_dbtp is not None and not _LEAST_DBTP <= peak_dbtp <= 0:
        raise ParameterError(f"--peak {peak_dbtp:g}: {_LEAST_DBTP:g} to 0 dBTP can be had")
    preset = None if preset_file is None else _read_preset(preset_file)
    return preset_changed(
        preset, profile=profile, loudness_lufs=loudness_lufs, peak_dbtp=peak_dbtp, amounts=amounts, album=album
    )


def preset_changed(
    base: Preset | None,
    *,
    profile: Profile | None = None,
    loudness_lufs: float | None = None,
    peak_dbtp: float | None = None,
    amounts: Sequence[str] = (),
    album: bool = False,
) -> Preset:
    """Change a preset, or what holds without one, by what is said beside it; numbers are taken as they are.

    Raises
    ------
    ParameterError if an amount is none
    """
    preset = base or Preset()
    preset = replace(preset, profile=profile or preset.profile)
    if base is None and album:
        preset = replace(preset, amounts=album_amounts(has_reference=preset.profile is not None))
    if loudness_lufs is not None:
        preset = replace(preset, loudness_lufs=loudness_lufs)
    elif preset.loudness_lufs is None and preset.profile is None:
        preset = replace(preset, loudness_lufs=LOUDNESS_LUFS)
    if peak_dbtp is not None:
        preset = replace(preset, ceiling_dbtp=peak_dbtp)
    return replace(preset, amounts=amounts_given(preset.amounts, list(amounts)))


def profile_asked(references: Sequence[Path], *, jobs: int | None = None) -> Profile | None:
    """Measure references, files and folders of them, and average them; or read one saved profile.

    Raises
    ------
    NotFoundError, DecodeError, InputError if one cannot be used: a profile of the others would be another
    """
    if not references:
        return None
    if len(references) == 1 and references[0].suffix.lower() in _PROFILE_SUFFIXES:
        return read_profile(_text(references[0]), where=str(references[0]))
    files, missing = find_audio(references)
    if missing:
        raise NotFoundError(missing[0].message)
    saved = [path for path in files if path.suffix.lower() in _PROFILE_SUFFIXES]
    if saved:
        raise ParameterError(f"--reference {saved[0]}: a saved profile stands alone; measure all recordings together")
    name = files[0].stem if len(files) == 1 else f"{files[0].stem} and {len(files) - 1} more"
    return profile_of([meters for meters, _, _ in over_cores(measured, files, jobs=jobs)], name=name)


def save(record: Preset | Profile, path: Path) -> None:
    """Write a preset or a profile to a file, under the name of the file; StorageError if it cannot be."""
    write_whole(path, written(replace(record, name=path.stem)))


def _read_preset(path: Path) -> Preset:
    def open_profile(named: str) -> Profile:
        beside = path.parent / named
        return read_profile(_text(beside), where=str(beside))

    return read_preset(_text(path), where=str(path), open_profile=open_profile)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: cannot be read as text ({error})") from None
