"""Master sounds: one, many over all cores, or an album whose songs keep their places beside each other.

What was made of each sound is kept beside the masters, in ``.linernotes``, so that the same command does only the
rest: a master stands as long as its input, its settings and the version are what they were, and the encoders that it
was tried with, where it was.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import linernotes
from linernotes import audio
from linernotes.errors import ConflictError, InputError, LinernotesError, NotFoundError, UnavailableError
from linernotes.formats.findings import findings
from linernotes.formats.masters import record
from linernotes.formats.plain_records import plain, restored
from linernotes.journeys.files import write_whole
from linernotes.journeys.listening import Progress, file_sha256, find_audio, over_cores
from linernotes.journeys.master_writing import Wish, rendered
from linernotes.model import Amounts, Master, Meters, PlanNote, Preset, Problem
from linernotes.render.mastering import coding, measure, profile_of

__all__ = ["CODECS", "LOUDNESS_LUFS", "Order", "album_amounts", "master_many", "measured"]

CODECS = tuple(coding.CODECS)
"""The names of the codecs that a ceiling can be held after."""

LOUDNESS_LUFS = -14.0
"""Where no loudness is asked for and no reference has one: what the largest services play at."""

LENGTH_MIN_S = 0.4  # one window of BS.1770: less has no loudness
_FAULTS = (InputError, NotFoundError, ConflictError, UnavailableError)  # of one song; the others go on
_ALBUM_TOLERANCE_LU = 0.05
_KEPT_IN = ".linernotes"


@dataclass(frozen=True, slots=True)
class Order:
    """What to make, and where; ``bits`` and ``container`` None: as the input has them."""

    out: Path
    preset: Preset = field(default_factory=Preset)
    codecs: tuple[str, ...] = ()
    album: bool = False
    bits: int | None = None
    container: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Song:
    """A file that was measured, or what is wrong with it."""

    path: Path
    name: str
    sha256: str = ""
    info: audio.AudioInfo | None = None
    meters: Meters | None = None
    notes: Sequence[PlanNote] = ()
    problems: Sequence[Problem] = ()


def album_amounts(*, has_reference: bool) -> Amounts:
    """Say how far the songs of an album go where nobody says it: half way, or they would all be alike."""
    return Amounts(tone=50.0, dynamics=50.0, width=50.0) if has_reference else Amounts(50.0, 0.0, 0.0)


def measured(path: Path) -> tuple[Meters, audio.AudioInfo, Sequence[PlanNote]]:
    """Measure a file.

    Raises
    ------
    NotFoundError, DecodeError or InputError if there is nothing in it that can be mastered
    """
    with audio.decode(path) as sound:
        meters = measure(sound, sample_rate_hz=sound.info.sample_rate_hz)
    cut = [fault for fault in sound.damage if fault.code == "truncated"]
    if cut:
        raise InputError(f"{path}: {cut[0].message}; half a song is not mastered", code=cut[0].code)
    if meters.duration_s < LENGTH_MIN_S:
        message = f"{path}: only {meters.duration_s * 1000:.0f} ms long; loudness needs {LENGTH_MIN_S:g} s"
        raise InputError(message, code="too_short")
    if meters.silent:
        raise InputError(f"{path}: silent, or too quiet to have a loudness; there is nothing to master", code="silent")
    n_channels = sound.info.channels
    folded = f"{n_channels} channels were folded down to two (ITU-R BS.775, without the low-frequency effects)"
    notes = [PlanNote("folded", folded)] if n_channels > 2 else []
    notes += [PlanNote(fault.code, fault.message) for fault in sound.damage]
    return meters, sound.info, [*notes, *findings(meters)]


def master_many(
    paths: Iterable[Path], order: Order, *, progress: Progress | None = None, jobs: int | None = None
) -> Iterator[Master]:
    """Master files and folders of them over all cores and yield them in order; ``jobs`` are worked on at a time.

    A file that cannot be mastered is a Master whose ``problems`` say why; the others are mastered all the same.

    Raises
    ------
    ParameterError if the order names a codec that there is none of
    """
    coding.codecs_named(order.codecs)
    asked = list(paths)
    files, missing = find_audio(asked)
    for problem in missing:
        yield Master(problem.where, problems=[problem])
    inside = order.out.resolve()
    files = [path for path in files if inside not in path.resolve().parents or path in asked]
    songs = [_Song(path, name) for path, name in zip(files, _names(files), strict=True)]
    n_done, audio_s = 0, 0.0

    def tick(master: Master) -> Master:
        nonlocal n_done, audio_s
        n_done, audio_s = n_done + 1, audio_s + (master.before.duration_s if master.before else 0.0)
        if progress is not None:
            progress(n_done, len(songs), audio_s)
        return master

    if order.album:
        yield from _album(songs, order, jobs, tick)
    else:
        yield from map(tick, over_cores(lambda song: _single(song, order), songs, jobs=jobs))


def _names(files: Sequence[Path]) -> list[str]:
    """Name the masters as their inputs, without suffix; of several with one name the later ones are numbered."""
    taken: dict[str, int] = {}
    names = []
    for path in files:
        n = taken[path.stem.lower()] = taken.get(path.stem.lower(), 0) + 1
        names.append(path.stem if n == 1 else f"{path.stem}-{n}")
    return names


def _single(song: _Song, order: Order) -> Master:
    try:
        sha256 = file_sha256(song.path)
        key = _key(order, [sha256])
        if kept := _kept(song, order, key):
            return kept
        meters, info, notes = measured(song.path)
        return _made(replace(song, sha256=sha256, info=info, meters=meters, notes=notes), order, order.preset, key)
    except _FAULTS as error:
        return _refused(song, error)


def _refused(song: _Song, error: LinernotesError) -> Master:
    return Master(str(song.path), problems=[Problem(error.code, str(error), str(song.path))])


def _made(song: _Song, order: Order, preset: Preset, key: str, offset_lu: float = 0.0) -> Master:
    """Render one song and keep what was done; with ``offset_lu`` it stands so much lower than its preset says."""
    assert song.info is not None
    assert song.meters is not None
    wish = Wish(preset, order.codecs, order.bits, order.container, order.dry_run)
    if offset_lu and preset.loudness_lufs is not None:
        wish = replace(wish, preset=replace(preset, loudness_lufs=preset.loudness_lufs - offset_lu))
    _keep(Master(str(song.path)), song, order)
    made = rendered(song.path, song.info, song.meters, wish, out=order.out, name=song.name)
    first_lu = made.result.shortfall_lu if made.result and not offset_lu else 0.0
    made = replace(
        made,
        sha256=song.sha256,
        key=key,
        first_shortfall_lu=first_lu + offset_lu,
        album_offset_lu=offset_lu,
        notes=(*song.notes, *made.notes),
    )
    _keep(made, song, order)
    return made


def _album(
    songs: Sequence[_Song], order: Order, jobs: int | None, tick: Callable[[Master], Master]
) -> Iterator[Master]:
    """Measure all songs, set the loudest to the target and the others below it as they were, then render.

    A song that cannot reach its place lowers all: first every song is made, then, lower, those that are too loud.
    """
    heard = list(over_cores(_measured_song, songs, jobs=jobs))
    good = [song for song in heard if song.meters is not None]
    key = _key(order, sorted(song.sha256 for song in good))
    presets = _places(good, order)
    made = {}
    for song, master in zip(good, over_cores(partial(_first, order, presets, key), good, jobs=jobs), strict=True):
        made[song.path] = tick(master)
    offset_lu = max((master.first_shortfall_lu for master in made.values()), default=0.0)
    offset_lu = offset_lu if offset_lu > _ALBUM_TOLERANCE_LU else 0.0
    again = [song for song in good if abs(made[song.path].album_offset_lu - offset_lu) > 1e-6]
    again = [song for song in again if not made[song.path].problems and not order.dry_run]

    def lower(song: _Song) -> Master:
        try:
            return _made(song, order, presets[song.path], key, offset_lu)
        except _FAULTS as error:
            return _refused(song, error)

    made |= {song.path: master for song, master in zip(again, over_cores(lower, again, jobs=jobs), strict=True)}
    for song in heard:
        yield made[song.path] if song.meters is not None else Master(str(song.path), problems=song.problems)


def _measured_song(song: _Song) -> _Song:
    try:
        sha256 = file_sha256(song.path)
        meters, info, notes = measured(song.path)
    except _FAULTS as error:
        return replace(song, problems=_refused(song, error).problems)
    return replace(song, sha256=sha256, info=info, meters=meters, notes=notes)


def _first(order: Order, presets: Mapping[Path, Preset], key: str, song: _Song) -> Master:
    try:
        return _kept(song, order, key) or _made(song, order, presets[song.path], key)
    except _FAULTS as error:
        return _refused(song, error)


def _places(songs: Sequence[_Song], order: Order) -> dict[Path, Preset]:
    """Give each song its own loudness below the loudest, and all of them one profile."""
    heard = {song.path: song.meters for song in songs if song.meters is not None}
    if not heard:
        return {}
    profile = order.preset.profile or profile_of(list(heard.values()), name="album")
    target_lufs = order.preset.loudness_lufs
    if target_lufs is None and order.preset.profile is not None:
        target_lufs = profile.loudness_lufs
    loudest_lufs = max(meters.integrated_lufs for meters in heard.values())
    return {
        path: replace(
            order.preset,
            profile=profile,
            loudness_lufs=None if target_lufs is None else target_lufs - loudest_lufs + meters.integrated_lufs,
        )
        for path, meters in heard.items()
    }


def _key(order: Order, sha256s: Sequence[str]) -> str:
    """Name what a master is made of."""
    settings = [order.preset, order.codecs, order.album, order.bits, order.container]
    witnesses = coding.witnesses(coding.codecs_named(order.codecs))
    made_of = [linernotes.__version__, *map(plain, settings), *witnesses, *sha256s]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _record(order: Order, name: str) -> Path:
    return order.out / _KEPT_IN / f"{name}.json"


def _kept(song: _Song, order: Order, key: str) -> Master | None:
    """Return what an earlier run made, if it is still there and still what is asked for.

    Raises
    ------
    ConflictError if a file of that name is there which no run of ours began
    """
    record = _record(order, song.name)
    if not record.exists():
        taken = [path for suffix in ("wav", "flac") if (path := order.out / f"{song.name}.{suffix}").exists()]
        if taken and not order.dry_run:
            raise ConflictError(
                f"{taken[0]} is there and is no master of an earlier run: name another folder with --out"
            )
        return None
    with suppress(OSError, InputError, ValueError):
        kept = restored(Master, json.loads(record.read_text(encoding="utf-8")), where=str(record))
        if kept.out_path and kept.key == key and file_sha256(Path(kept.out_path)) == kept.out_sha256:
            return replace(kept, path=str(song.path), kept=True)
    return None


def _keep(master: Master, song: _Song, order: Order) -> None:
    """Keep what is made of a song; an empty record, before its master is there, says that the name is ours."""
    if not order.dry_run:
        write_whole(_record(order, song.name), json.dumps(record(master), ensure_ascii=False))
