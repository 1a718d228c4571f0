from functools import cache
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.errors import ParameterError
from linernotes.render.band import Song, compose, perform
from linernotes.render.score import Hand, lay_out
from linernotes.render.styles import STYLES

RATE_HZ = 22_050
DURATION_S = 20.0


@cache
def played(style: str, seed: int) -> NDArray[np.float32]:
    return perform(compose(seed, style=style, duration_s=DURATION_S), sample_rate_hz=RATE_HZ)


def spectrogram(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log magnitudes of 46-ms frames, centred per frame and per band, of norm 1: shape (frames, bands)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound.mean(axis=1), 2048)[::1024] * np.hanning(2048)
    logs = np.log1p(50 * np.abs(np.fft.rfft(frames, axis=1)))[:, 10:300]
    logs -= logs.mean(axis=0)
    logs -= logs.mean(axis=1, keepdims=True)
    return np.asarray(logs / np.linalg.norm(logs))


def likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The greatest correlation of two spectrograms over all shifts in time: 1 for a copy."""
    points = 2 * len(one)
    product = np.fft.rfft(one, points, axis=0) * np.fft.rfft(other, points, axis=0).conj()
    return float(np.fft.irfft(product.sum(axis=1), points).max())


@pytest.mark.parametrize("style", STYLES)
def test_a_recording_is_sound(style: str) -> None:
    sound = played(style, 1)
    assert sound.shape == (round(DURATION_S * RATE_HZ), 2)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 0.5 < np.abs(sound).max() <= 0.9
    assert np.abs(sound.mean(axis=0)).max() < 1e-4
    assert np.abs(sound[[0, -1]]).max() < 1e-3

    loudness = np.sqrt(np.square(sound).mean())
    crest_db = 20 * np.log10(np.abs(sound).max() / loudness)
    assert -22 < 20 * np.log10(loudness) < -13
    assert 9 < crest_db < 20

    seconds = np.sqrt(np.square(sound[: 18 * RATE_HZ]).reshape(18, -1).mean(axis=1))
    assert seconds.min() > 0.004


@pytest.mark.parametrize("style", STYLES)
def test_bass_middle_and_treble_are_in_balance(style: str) -> None:
    power = np.abs(np.fft.rfft(played(style, 1).mean(axis=1))) ** 2
    hz = np.fft.rfftfreq(round(DURATION_S * RATE_HZ), 1 / RATE_HZ)
    shares_db = [
        10 * np.log10(power[(hz >= low) & (hz < high)].sum() / power.sum())
        for low, high in ((28, 150), (150, 2_000), (2_000, 11_000))
    ]
    assert -13 < shares_db[0] < -1
    assert -7 < shares_db[1] < -0.3
    assert -19 < shares_db[2] < -3


def test_the_same_seed_gives_the_same_song_and_the_same_bytes() -> None:
    first, again = (compose(7, style="rock", duration_s=12.0) for _ in range(2))
    assert first == again
    sounds = [perform(song, sample_rate_hz=RATE_HZ).tobytes() for song in (first, again)]
    assert sounds[0] == sounds[1]


def test_any_two_recordings_differ_more_than_a_song_from_itself() -> None:
    pictures = [spectrogram(played(style, seed)) for style in STYLES for seed in (1, 2)]
    for one, other in combinations(pictures, 2):
        assert likeness(one, other) < 0.15
    assert all(likeness(picture, picture) > 0.99 for picture in pictures)


def test_seeds_spread_over_keys_tempi_and_tunes() -> None:
    songs = [compose(seed, style="indie folk") for seed in range(12)]
    assert len({song.key for song in songs}) >= 8
    assert len({round(song.tempo_bpm, 1) for song in songs}) == 12
    assert {song.metre for song in songs} == {3, 4}
    for role in ("drums", "bass", "chords", "lead"):
        rhythms = {tuple(round(note.start_s * song.tempo_bpm / 15) for note in song.parts[role][:24]) for song in songs}
        assert len(rhythms) >= 10


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(8))
def test_the_tune_is_in_key_singable_and_comes_home(style: str, seed: int) -> None:
    song = compose(seed, style=style)
    tune = [note.midi for note in song.parts["lead"]]
    assert {int(midi) % 12 for midi in tune} <= set(song.scale)
    assert int(tune[-1]) % 12 == song.scale[0]
    moves = np.abs(np.diff(tune))
    assert np.mean(moves <= 4) > 0.55
    assert moves.max() <= 19
    assert max(tune) - min(tune) <= 31


@pytest.mark.parametrize("style", STYLES)
def test_a_verse_comes_back_and_a_chorus_is_another_tune(style: str) -> None:
    song = compose(3, style=style, duration_s=90.0)
    bar_s = song.metre * 60 / song.tempo_bpm
    tunes: dict[str, list[set[tuple[int, int]]]] = {}
    begin_s = 0.0
    for name, bars in song.sections:
        stop_s = begin_s + bars * bar_s
        inside = [note for note in song.parts["lead"] if begin_s - 0.03 <= note.start_s < stop_s - 0.03]
        placed = {(round((note.start_s - begin_s) * song.tempo_bpm / 15), int(note.midi)) for note in inside}
        tunes.setdefault(name, []).append(placed)
        begin_s = stop_s

    def shared(one: set[tuple[int, int]], other: set[tuple[int, int]]) -> float:
        return len(one & other) / len(one | other)

    first, second = tunes["verse"][:2]
    assert 0.4 < shared(first, second) < 1.0
    assert shared(first, tunes["chorus"][0]) < 0.35


def test_sections_fill_the_song_and_the_last_chord_rings() -> None:
    song: Song = compose(11, style="synth pop", duration_s=40.0)
    bars = sum(count for name, count in song.sections if name != "end")
    end_s = bars * song.metre * 60 / song.tempo_bpm
    assert song.sections[-1] == ("end", 1)
    assert 2.0 <= song.duration_s - end_s < 2.0 + song.metre * 60 / song.tempo_bpm
    for part in song.parts.values():
        starts = [note.start_s for note in part]
        assert starts == sorted(starts)
        assert starts[-1] < song.duration_s


@pytest.mark.parametrize("style", STYLES)
def test_the_shortest_song_has_a_tune_and_a_long_one_has_a_bridge(style: str) -> None:
    short = compose(2, style=style, duration_s=13.0)
    assert [name for name, _ in short.sections][-2:] == ["verse", "end"]
    assert len(short.parts["lead"]) >= 3
    long = compose(2, style=style, duration_s=300.0)
    assert "bridge" in [name for name, _ in long.sections]


def test_swing_moves_the_off_beat_and_people_are_late() -> None:
    score = lay_out(5, style="jazz trio", duration_s=30.0)
    assert score.time_s(0, 2) / score.beat_s == pytest.approx(0.65)
    assert score.time_s(1, 0) == pytest.approx(score.metre * score.beat_s)
    hand = Hand.of(score, "bass")
    starts = np.array([hand.note((4, 0), 4, 40, 0.5).start_s for _ in range(300)]) - score.time_s(4, 0)
    assert starts.std() == pytest.approx(score.style.looseness_s, rel=0.2)


@pytest.mark.parametrize(
    ("seed", "style", "duration_s", "words"),
    [
        (1, "polka", 40.0, "no style 'polka'; the band plays indie folk"),
        (-1, "rock", 40.0, "whole number from 0"),
        (1, "rock", 2.0, "no song of 2.0 s"),
        (1, "rock", 4_000.0, "to 600 s"),
        (1, "rock", float("nan"), "no song of nan s"),
    ],
)
def test_what_cannot_be_composed_is_said(seed: int, style: str, duration_s: float, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        compose(seed, style=style, duration_s=duration_s)
