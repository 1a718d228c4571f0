"""The whole story on music it makes itself: a catalogue, four uploads, claims, a month's money, pages to open.

Everything is seeded: the same version makes the same sounds.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linernotes import audio
from linernotes.errors import StorageError
from linernotes.journeys.demo_money import Paid, decide, pay
from linernotes.journeys.listening import Progress, over_cores
from linernotes.journeys.page import write_page
from linernotes.journeys.register import Registered, register
from linernotes.journeys.trace import trace
from linernotes.model import Claim, Trace
from linernotes.render import band
from linernotes.workspace import Workspace

__all__ = ["Demo", "demo"]

SAMPLE_RATE_HZ = 44_100
_SONG_S = 32.0
_NOISE_DB = 5.0
_KBPS = 160

# title, style, artist, writers, label: nobody here exists.
_SONGS = (
    ("Paper Lanterns", "indie folk", "The Fictional Four", "Ada Fictional 1/2; Bo Madeup 1/2", "Imaginary Records"),
    ("Slow River Town", "indie folk", "The Fictional Four", "Ada Fictional 1/1", "Imaginary Records"),
    ("Neon Harbour", "synth pop", "Invented Isle", "Cleo Notreal 2/3; Dag Pretend 1/3", "Imaginary Records"),
    ("Satellite Heart", "synth pop", "Invented Isle", "Cleo Notreal 1/1", "Imaginary Records"),
    ("Basement Sunday", "drum machine soul", "Fable Jones", "Fable Jones 3/5; Bo Madeup 2/5", "Nowhere Sound"),
    ("Borrowed Time", "drum machine soul", "Fable Jones", "Fable Jones 1/1", "Nowhere Sound"),
    ("Blue Umbrella", "jazz trio", "The Make-Believe Trio", "Edda Fiction 1/1", "Nowhere Sound"),
    ("Seven Chairs", "jazz trio", "The Make-Believe Trio", "Edda Fiction 1/2; Finn Fake 1/2", "Nowhere Sound"),
    ("Glass Weather", "ambient", "Phantom Atlas", "Gia Ghost 1/1", "Unreal Tapes"),
    ("Low Tide Signal", "ambient", "Phantom Atlas", "Gia Ghost 1/1", "Unreal Tapes"),
    ("Hundred Engines", "rock", "Storybook Riot", "Hal Mythical 1/3; Ida Unreal 1/3; Bo Madeup 1/3", "Unreal Tapes"),
    ("Matchstick City", "rock", "Storybook Riot", "Hal Mythical 1/2; Ida Unreal 1/2", "Unreal Tapes"),
)  # fmt: skip
_STRANGER_SEED = 4096
_TOLD = "Nowhere Sound"  # whose statement is printed


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo made."""

    workspace: Path
    registered: Registered
    traces: Sequence[Trace]
    page: Path
    claims: Sequence[Claim]
    paid: Paid


def demo(folder: Path, *, now: Callable[[], datetime], progress: Progress | None = None) -> Demo:
    """Make music, register it, trace four uploads (a copy, a noisy excerpt, a medley, a stranger), write the page.

    Then claim what was heard, divide what a month brought, and print what one label is told of it. ``now`` tells the
    moment in UTC.
    """
    music, uploads = folder / "music", folder / "uploads"
    try:
        for place in (music, uploads):
            place.mkdir(parents=True, exist_ok=True)
        songs = _record_songs(music, progress)
        _write_metadata(folder / "catalogue.csv")
        paths = _make_uploads(uploads, songs)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written ({error.strerror})") from error
    with Workspace(folder / "workspace", writable=True) as workspace:
        registered = register(workspace, [], metadata=folder / "catalogue.csv")
        traces = [trace(workspace, path) for path in paths]
        page = folder / "liner-notes.html"
        write_page(workspace, traces, page)
        claims = decide(workspace, traces, sorted({label for *_, label in _SONGS}), at=now())
        paid = pay(workspace, traces, _TOLD, folder, at=now())
    return Demo(folder / "workspace", registered, traces, page, claims, paid)


def _file_name(title: str) -> str:
    return title.lower().replace(" ", "-") + ".mp3"


def _record_songs(folder: Path, progress: Progress | None) -> list[NDArray[np.float32]]:
    """Play and record every song; shape (n, 2) each."""

    def record(job: tuple[int, tuple[str, ...]]) -> NDArray[np.float32]:
        number, (title, style, *_) = job
        samples = band.perform(band.compose(number + 1, style=style, duration_s=_SONG_S), sample_rate_hz=SAMPLE_RATE_HZ)
        audio.write(folder / _file_name(title), samples, sample_rate_hz=SAMPLE_RATE_HZ, bitrate_kbps=_KBPS)
        return samples

    songs = []
    for n_done, samples in enumerate(over_cores(record, enumerate(_SONGS)), 1):
        songs.append(samples)
        if progress is not None:
            progress(n_done, len(_SONGS), n_done * _SONG_S)
    return songs


def _write_metadata(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["file", "title", "artist", "writers", "label", "year"])
        for title, _, artist, writers, label in _SONGS:
            table.writerow([f"music/{_file_name(title)}", title, artist, writers, f"{label} 1/1", 2026])


def _make_uploads(folder: Path, songs: Sequence[NDArray[np.float32]]) -> list[Path]:
    """Write the four uploads: each is something people do with other people's recordings."""
    rng = np.random.default_rng(7)
    excerpt = _cut(songs[2], 9.0, 21.0)
    noise = rng.standard_normal(excerpt.shape).astype(np.float32)
    noise *= np.sqrt(np.mean(excerpt**2) / np.mean(noise**2)) * 10 ** (-_NOISE_DB / 20)
    medley = [_cut(songs[4], 3.0, 12.0), _cut(songs[7], 10.0, 19.0), _cut(songs[10], 14.0, 24.0)]
    stranger = band.perform(
        band.compose(_STRANGER_SEED, style="synth pop", duration_s=20.0), sample_rate_hz=SAMPLE_RATE_HZ
    )
    uploads = {
        "a-copy.mp3": songs[0],
        "a-noisy-excerpt.mp3": excerpt + noise,
        "a-medley.mp3": _joined(medley, fade_s=0.5),
        "a-stranger.mp3": stranger,
    }
    for name, samples in uploads.items():
        peak = max(1.0, float(np.abs(samples).max()))
        audio.write(folder / name, samples / peak, sample_rate_hz=SAMPLE_RATE_HZ, bitrate_kbps=96)
    return [folder / name for name in uploads]


def _cut(samples: NDArray[np.float32], start_s: float, stop_s: float) -> NDArray[np.float32]:
    return samples[round(start_s * SAMPLE_RATE_HZ) : round(stop_s * SAMPLE_RATE_HZ)]


def _joined(parts: Sequence[NDArray[np.float32]], *, fade_s: float) -> NDArray[np.float32]:
    """Lay parts end to end with cross-fades of ``fade_s``."""
    n_fade = round(fade_s * SAMPLE_RATE_HZ)
    rise = np.linspace(0, 1, n_fade, dtype=np.float32)[:, None]
    joined = parts[0]
    for part in parts[1:]:
        overlap = joined[-n_fade:] * (1 - rise) + part[:n_fade] * rise
        joined = np.concatenate([joined[:-n_fade], overlap, part[n_fade:]])
    return joined
