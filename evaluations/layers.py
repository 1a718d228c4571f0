"""How much of a new song made of known parts is told: three recordings at once, chopped into pieces and pitched.

A song is a minute long and has three layers of equal level. A layer is one recording, cut into pieces of 2 to 4 s from
anywhere in it, one after the other, each moved by up to three semitones: with the ``rubberband`` program, which keeps
the tempo, where that is installed, else by playing it faster or slower. A piece is found if a match of its recording
covers half of it and says, for its middle, the right place within 0.5 s.

Conventions
-----------
Figures: ``found_3s`` is the share of pieces of at least 3 s, ``found_2s`` of the shorter ones; ``recordings_found`` the
share of layers of which anything was told; ``wrong_recordings`` counts recordings told that are not in a song.
"""

import csv
import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.outcome import Outcome, arguments, tell
from evaluations import queries
from evaluations.fingerprint import hear, search, wilson
from evaluations.queries import RATE_HZ, Sound
from linernotes import audio
from linernotes.analyse import fingerprint
from linernotes.model import Match
from linernotes.store.index import Index

__all__ = ["Piece", "Song", "judge", "main"]

SONG_S, TOLERANCE_S = 60.0, 0.5


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a layer: where it lies in the song and in its recording, at which speed."""

    recording: str
    start_s: float
    stop_s: float
    reference_start_s: float
    tempo_ratio: float

    def found(self, matches: Sequence[Match]) -> bool:
        """Tell whether some match names this piece at its place."""
        middle_s = 0.5 * (self.start_s + self.stop_s)
        expected_s = self.reference_start_s + (middle_s - self.start_s) * self.tempo_ratio
        return any(
            m.recording_id == self.recording
            and min(self.stop_s, m.query_stop_s) - max(self.start_s, m.query_start_s)
            >= 0.5 * (self.stop_s - self.start_s)
            and abs(m.reference_start_s + (middle_s - m.query_start_s) * m.transform.tempo_ratio - expected_s)
            <= TOLERANCE_S
            for m in matches
        )


@dataclass(frozen=True, slots=True)
class Song:
    """A song and its truth."""

    path: Path
    pieces: Sequence[Piece]


def make(music: Path, names: Sequence[str], folder: Path, *, seed: int) -> Song:
    """Make one song of three of the recordings."""
    rng = queries.rng_for("layers", seed)
    song, pieces = np.zeros(int(SONG_S * RATE_HZ), np.float32), []
    for name in rng.choice(names, 3, replace=False):
        sound, at_s = queries.load(music / str(name)), 0.0
        while at_s < SONG_S - 4.0:
            length_s, semitones = float(rng.uniform(2, 4)), int(rng.integers(-3, 4))
            tempo_ratio = 1.0 if shutil.which("rubberband") else 2.0 ** (semitones / 12)
            span = int(length_s * tempo_ratio * RATE_HZ) + RATE_HZ // 4
            start = queries.loud_place(sound, span, rng)
            changed = _pitched(sound[start : start + span], semitones, tempo_ratio, folder)[: int(length_s * RATE_HZ)]
            low = int(at_s * RATE_HZ)
            song[low : low + len(changed)] += changed * np.float32(0.1 / queries.rms(changed))
            pieces.append(Piece(str(name), at_s, at_s + length_s, start / RATE_HZ, tempo_ratio))
            at_s += length_s
    path = folder / f"song-{seed}.wav"
    audio.write(path, song / max(1.0, float(np.abs(song).max())), sample_rate_hz=RATE_HZ)
    return Song(path, pieces)


def _pitched(sound: Sound, semitones: int, tempo_ratio: float, folder: Path) -> Sound:
    if semitones == 0:
        return sound
    if tempo_ratio == 1.0:
        return queries.stretch(sound, folder, 1.0, semitones)
    return queries.speed(sound, folder, tempo_ratio)


def judge(songs: Sequence[Song], answers: Sequence[Sequence[Match]]) -> dict[str, float]:
    """Count what was found."""
    found = {"found_3s": [], "found_2s": [], "recordings_found": []}  # type: dict[str, list[bool]]
    wrong = 0
    for song, matches in zip(songs, answers, strict=True):
        told, inside = {m.recording_id for m in matches}, {p.recording for p in song.pieces}
        wrong += len(told - inside)
        found["recordings_found"] += [name in told for name in inside]
        for piece in song.pieces:
            found["found_3s" if piece.stop_s - piece.start_s >= 3 else "found_2s"].append(piece.found(matches))
    figures = {key: float(np.mean(values)) for key, values in found.items()}
    low, high = wilson(sum(found["found_3s"]), len(found["found_3s"]))
    return figures | {"found_3s_low": low, "found_3s_high": high, "wrong_recordings": float(wrong)}


def main() -> None:
    """Make songs of a folder's recordings and judge what is shipped."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--songs", type=int, help="how many (20; 4 with --quick)")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data is needed: recordings to register, with music/manifest.csv")
    music, n = options.data / "music", options.songs or (4 if options.quick else 20)
    with (music / "manifest.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    # Of several revisions of a recording one: the others would be right as well.
    names = list({row.get("version_group") or row["file"]: row["file"] for row in rows}.values())
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(os.cpu_count()) as pool:
        folder = Path(temporary)
        songs = [make(music, names, folder, seed=1000 * options.seed + i) for i in range(n)]
        heard = dict(zip(names, pool.map(lambda name: hear(music / name), names), strict=True))
        with Index(folder / "index", parameter_id=fingerprint.DEFAULT.id, writable=True) as index:
            index.add(heard)
            files = {name: music / name for name in names}
            least = fingerprint.THRESHOLD
            answers = list(pool.map(lambda song: search(song.path, files, index, threshold=least), songs))
    skipped = (
        [] if shutil.which("rubberband") else ["pitch alone: rubberband is not installed, pieces change speed too"]
    )
    tell(Outcome("layers", str(options.data), judge(songs, answers), skipped=skipped), as_json=options.json)


if __name__ == "__main__":
    main()
