"""Orders for masters: songs come in together, are mastered as was asked, and are fetched, until they are deleted.

Conventions
-----------
An order is a job, and all of its sounds lie in one folder, named by the job: ``came/`` is what came in, ``masters/``
and ``excerpts/`` what was made, ``records.json`` what is known of it. So what belongs to an order goes with it, and one
whose worker was killed goes on where it stopped. Songs are counted from 1.
"""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Self

from linernotes.errors import ConflictError, FormatError, NotFoundError, ParameterError
from linernotes.formats.master_report import Excerpts
from linernotes.formats.masters import brief, from_master
from linernotes.formats.plain_records import plain, restored
from linernotes.formats.presets import AMOUNTS, read_preset, read_profile
from linernotes.journeys.files import write_whole
from linernotes.journeys.listening import Progress
from linernotes.journeys.master import CODECS, Order, master_many
from linernotes.journeys.master_page import EXCERPTS_MAX, excerpts
from linernotes.journeys.master_preset import preset_changed, profile_asked
from linernotes.journeys.uploads import Kept
from linernotes.model import Job, JobKind, Master, Preset, Profile
from linernotes.store.jobs import NewJob, new_job_id
from linernotes.workspace import Workspace

__all__ = [
    "SONGS_MAX",
    "Asked",
    "IncomingOrder",
    "Made",
    "delete_masters",
    "excerpt_path",
    "is_kept",
    "made",
    "master_order",
    "master_path",
    "read_asked",
    "sweep_orders",
]

SONGS_MAX = 100
_REFERENCES_MAX = 30
_SETTINGS_BYTES_MAX = 2**20
_SETTINGS = (".json", ".toml")
_SIDES = ("before", "after")
_FORGOTTEN_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of all songs of an order; what is None is as ``linernotes master`` has it unasked."""

    album: bool = False
    loudness_lufs: float | None = None
    peak_dbtp: float | None = None
    amounts: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ()
    bits: int | None = None
    container: str | None = None


def read_asked(fields: Mapping[str, str]) -> Asked:
    """Read what a form asks for; empty fields ask for nothing.

    Raises
    ------
    ParameterError naming the field, where it says what cannot be had
    """
    given = {name: value.strip() for name, value in fields.items()}
    codecs = tuple(filter(None, (name.strip() for name in given.get("codecs", "").split(","))))
    if unknown := set(codecs) - {"all", *CODECS}:
        raise ParameterError(f"codecs: {min(unknown)[:40]!r} is none of {', '.join(CODECS)}, or all")
    container = _one_of(given, "format", ("wav", "flac"))
    bits = _one_of(given, "bits", ("16", "24", "32"))
    if (bits, container) == ("32", "flac"):
        raise ParameterError("bits: FLAC holds 16 or 24; take format wav")
    amounts = {stage: _number(given, f"amount_{stage}", 0.0, 100.0) for stage in AMOUNTS}
    return Asked(
        album=_one_of(given, "album", ("true", "false")) == "true",
        loudness_lufs=_number(given, "loudness", -60.0, 0.0),
        peak_dbtp=_number(given, "peak", -60.0, 0.0),
        amounts=tuple(f"{stage}={percent:g}" for stage, percent in amounts.items() if percent is not None),
        codecs=CODECS if "all" in codecs else tuple(dict.fromkeys(codecs)),
        bits=None if bits is None else int(bits),
        container=container,
    )


class IncomingOrder:
    """An order that is coming in; unless it is queued, nothing stays of it."""

    def __init__(self, workspace: Workspace) -> None:
        """Give it a place; ``folder`` is where its files go."""
        self._workspace = workspace
        self._id = new_job_id()
        self._queued = False
        self.folder = _folder(workspace, self._id) / "came"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._queued:
            shutil.rmtree(self.folder.parent, ignore_errors=True)

    def queue(
        self,
        songs: Sequence[Kept],
        asked: Asked,
        *,
        references: Sequence[Kept] = (),
        presets: Sequence[Kept] = (),
        account_id: str,
        at: datetime,
        key: str | None = None,
        open_max: int | None = None,
    ) -> Job:
        """Queue the order, if it can be met; the same ``key`` again gives the same job.

        Raises
        ------
        ParameterError, FormatError if it says what cannot be had; ConflictError if more than ``open_max`` jobs would
        wait
        """
        if not 1 <= len(songs) <= SONGS_MAX:
            raise ParameterError(f"{len(songs)} songs: an order has 1 to {SONGS_MAX}, as parts named file")
        if len(references) > _REFERENCES_MAX or len(presets) > 1:
            raise ParameterError(f"up to {_REFERENCES_MAX} references, and one preset")
        _profile_told(self.folder, references)
        _preset_told(self.folder, presets)
        payload = {
            "name": songs[0].name if len(songs) == 1 else f"{songs[0].name} and {len(songs) - 1} more",
            "songs": [asdict(song) for song in songs],
            "references": [asdict(reference) for reference in references],
            "presets": [asdict(preset) for preset in presets],
            "asked": asdict(asked),
        }
        new = NewJob(JobKind.MASTER, account_id, payload, request_key=key, id=self._id)
        (job,) = self._workspace.jobs.add([new], at=at, open_max=open_max)
        self._queued = job.id == self._id
        return job


def master_order(workspace: Workspace, job: Job, progress: Progress) -> dict[str, Any]:
    """Master the songs of an order, one after the other, and tell what became of each.

    Raises
    ------
    InputError, NotFoundError if a reference cannot be used, or the songs are gone
    """
    folder, came = _folder(workspace, job.id), _folder(workspace, job.id) / "came"
    asked, songs = _asked(job), _files(job, "songs")
    if not came.is_dir():
        raise NotFoundError("the sounds of this order are not here any more")
    references = _files(job, "references")
    profile = _profile_told(came, references)
    if profile is None and references:
        profile = _named_as(profile_asked([came / each.file for each in references], jobs=1), references)
    preset = preset_changed(
        _preset_told(came, _files(job, "presets")),
        profile=profile,
        loudness_lufs=asked.loudness_lufs,
        peak_dbtp=asked.peak_dbtp,
        amounts=asked.amounts,
        album=asked.album,
    )
    order = Order(folder / "masters", preset, asked.codecs, asked.album, asked.bits, asked.container)
    names = {str(came / song.file): song.name for song in songs}
    masters = list(master_many([Path(path) for path in names], order, progress=progress, jobs=1))
    cut = {number: _cut(folder, number, master) for number, master in enumerate(masters[:EXCERPTS_MAX], 1)}
    told = [_nameless(plain(master), names, folder) for master in masters]
    whole = {"masters": told, "excerpts": {number: each for number, each in cut.items() if each is not None}}
    write_whole(_records(folder), json.dumps(whole, ensure_ascii=False))
    briefs = [
        {"number": number, "name": names[master.path], "can_be_compared": cut.get(number) is not None}
        | _nameless(brief(master), names, folder)
        for number, master in enumerate(masters, 1)
    ]
    return {"album": asked.album, "songs": briefs}


# ── what was made ────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of an order: masters, and by their index their excerpts, without the sounds."""

    masters: Sequence[Master]
    excerpts: Mapping[int, Excerpts]
    album: bool

    def for_programs(self) -> list[dict[str, Any]]:
        """Return all that is known of each, as ``master --json`` writes it."""
        return [from_master(master) for master in self.masters]


def made(workspace: Workspace, job: Job) -> Made:
    """Return what was made of an order; NotFoundError if it is not kept any more."""
    path = _records(_folder(workspace, job.id))
    if not path.is_file():
        raise NotFoundError("these masters are not kept any more")
    return _made(path, album=_asked(job).album)


@lru_cache(maxsize=8)
def _made(path: Path, *, album: bool) -> Made:
    told = json.loads(path.read_text(encoding="utf-8"))
    masters = [restored(Master, master, where=path.name) for master in told["masters"]]
    found = {int(number) - 1: Excerpts(before="", after="", **each) for number, each in told["excerpts"].items()}
    return Made(masters, found, album)


def master_path(workspace: Workspace, job: Job, number: int) -> tuple[Path, str]:
    """Return where a master is, and the name that its song came with, with the master's ending.

    Raises
    ------
    NotFoundError if there is no such master, or it is not kept any more
    """
    songs = (job.result or {"songs": []})["songs"]
    song = songs[number - 1] if 1 <= number <= len(songs) else None
    if song is None or song["file"] is None:
        raise NotFoundError(f"no master {number} in this order")
    path = _folder(workspace, job.id) / "masters" / song["file"]
    if not path.is_file():
        raise NotFoundError("this master is not kept any more")
    return path, f"{PurePath(song['name']).stem or 'master'}{path.suffix}"


def excerpt_path(workspace: Workspace, job: Job, number: int, side: str) -> Path:
    """Return where the loudest stretch of a song is, ``before`` or ``after``, both at one loudness.

    Raises
    ------
    NotFoundError if there is none, or it is not kept any more
    """
    path = _folder(workspace, job.id) / "excerpts" / f"{number}-{side}.mp3"
    if side not in _SIDES or not path.is_file():
        raise NotFoundError(f"no excerpt {number} {side[:20]} in this order")
    return path


def is_kept(workspace: Workspace, job: Job) -> bool:
    """Tell whether the sounds of an order are still there."""
    return _folder(workspace, job.id).is_dir()


def delete_masters(workspace: Workspace, job: Job) -> None:
    """Delete the sounds of an order, in and out; what was told of them stays. ConflictError while it is worked on."""
    if not job.is_over:
        raise ConflictError(f"order {job.id} is {job.state}: cancel it first", code="job_open")
    shutil.rmtree(_folder(workspace, job.id), ignore_errors=True)


def sweep_orders(workspace: Workspace, *, now: datetime, before: datetime) -> int:
    """Delete the sounds of orders that were over before a moment, and what never was queued; return how many."""
    removed = 0
    for folder in (workspace.folder / "masters").glob("job_*"):
        try:
            ended_at = workspace.jobs.get(folder.name).finished_at
            is_spent = ended_at is not None and ended_at < before
        except NotFoundError:
            is_spent = folder.stat().st_mtime < now.timestamp() - _FORGOTTEN_S
        if is_spent:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


# ── places and settings ──────────────────────────────────────────────────────


def _folder(workspace: Workspace, job_id: str) -> Path:
    return workspace.folder / "masters" / job_id


def _records(folder: Path) -> Path:
    return folder / "records.json"


def _files(job: Job, what: str) -> list[Kept]:
    return [Kept(**each) for each in job.payload[what]]


def _asked(job: Job) -> Asked:
    told = job.payload["asked"]
    return Asked(**told | {"amounts": tuple(told["amounts"]), "codecs": tuple(told["codecs"])})


def _profile_told(came: Path, references: Sequence[Kept]) -> Profile | None:
    """Read the saved profile among the references; None where they are recordings, or there are none."""
    saved = [each for each in references if PurePath(each.file).suffix.lower() in _SETTINGS]
    if not saved:
        return None
    if len(references) > 1:
        raise ParameterError(f"{saved[0].name}: a saved profile stands alone; measure all recordings together")
    return read_profile(_text(came, saved[0]), where=saved[0].name)


def _preset_told(came: Path, presets: Sequence[Kept]) -> Preset | None:
    def refuse(named: str) -> Profile:  # it would be a file of this server
        raise FormatError(f"{preset.name}: names the profile {named[:40]!r}; send that as the reference")

    for preset in presets:
        return read_preset(_text(came, preset), where=preset.name, open_profile=refuse)
    return None


def _text(came: Path, file: Kept) -> str:
    if file.size_bytes > _SETTINGS_BYTES_MAX:
        raise FormatError(f"{file.name}: {file.size_bytes} bytes; settings have up to {_SETTINGS_BYTES_MAX}")
    try:
        return (came / file.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{file.name}: cannot be read as text ({type(error).__name__})") from None


def _named_as(profile: Profile | None, references: Sequence[Kept]) -> Profile | None:
    more = f" and {len(references) - 1} more" if len(references) > 1 else ""
    return None if profile is None else replace(profile, name=f"{PurePath(references[0].name).stem}{more}")


def _cut(folder: Path, number: int, master: Master) -> dict[str, float] | None:
    """Keep what can be compared of a master; return where it is, and how it was turned down."""
    found = excerpts(master)
    if found is None:
        return None
    place = folder / "excerpts"
    place.mkdir(parents=True, exist_ok=True)
    for side in _SIDES:
        (place / f"{number}-{side}.mp3").write_bytes(getattr(found, side))
    return {name: getattr(found, name) for name in ("start_s", "stop_s", "before_db", "after_db")}


def _nameless(told: Any, names: Mapping[str, str], folder: Path) -> Any:
    """Call songs what their sender calls them, wherever they are named: where they are kept is nobody's business."""
    if isinstance(told, dict):
        return {name: _nameless(each, names, folder) for name, each in told.items()}
    if isinstance(told, list):
        return [_nameless(each, names, folder) for each in told]
    if isinstance(told, str) and str(folder) in told:
        for path, name in names.items():
            told = told.replace(path, name)
        return told.replace(f"{folder}/masters/", "")
    return told


def _one_of(given: Mapping[str, str], name: str, known: Sequence[str]) -> str | None:
    value = given.get(name, "")
    if value and value not in known:
        raise ParameterError(f"{name}: {value[:40]!r} is none of {', '.join(known)}")
    return value or None


def _number(given: Mapping[str, str], name: str, least: float, most: float) -> float | None:
    value = given.get(name, "")
    try:
        number = float(value.replace("\N{MINUS SIGN}", "-")) if value else None
    except ValueError:
        number = math.nan
    if number is not None and not least <= number <= most:
        raise ParameterError(f"{name}: {value[:40]!r} is no number from {least:g} to {most:g}")
    return number
