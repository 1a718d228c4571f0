from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.analyse.takes import RATE_HZ, SLACK_S, Takes, likeness
from linernotes.model import Match, Transform

Sound = NDArray[np.float32]
SLACK = round(SLACK_S * RATE_HZ)


def played(seed: int, *, length_s: float = 10.0) -> Sound:
    """Forty chords, four a second: the same notes whoever plays them, every string at a phase of its own."""
    notes, phases = np.random.default_rng(0), np.random.default_rng(seed)
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    sound = np.zeros(len(at_s))
    for start_s in np.arange(0, length_s, 0.25):
        for low_hz in notes.choice([196.0, 247.0, 294.0, 370.0, 440.0, 554.0], 3, replace=False):
            rung = np.maximum(at_s - start_s, 0)
            for partial in range(1, 6):
                wave = np.sin(2 * np.pi * (partial * low_hz * rung + phases.random()))
                sound += (at_s >= start_s) * np.exp(-6 * rung) * wave / partial
    return (0.05 * sound).astype(np.float32)


def around(sound: Sound) -> Sound:
    return np.pad(sound, SLACK)


@pytest.fixture(scope="module")
def take() -> Sound:
    return played(1)


def test_a_copy_under_as_much_noise_is_the_same_take(take: Sound) -> None:
    noise = np.random.default_rng(2).normal(scale=take.std(), size=len(take)).astype(np.float32)
    alike = likeness(take + noise, around(take))
    assert alike is not None
    assert alike > 0.8


def test_the_same_music_played_anew_is_another_take(take: Sound) -> None:
    alike = likeness(played(2), around(take))
    assert alike is not None
    assert alike < 0.4


@pytest.mark.parametrize("late_s", [-0.04, 0.0, 0.04])
def test_the_place_may_be_off(take: Sound, late_s: float) -> None:
    alike = likeness(take, np.roll(around(take), round(late_s * RATE_HZ)))
    assert alike is not None
    assert alike > 3


def test_polarity_may_be_turned(take: Sound) -> None:
    assert likeness(-take, around(take)) == likeness(take, around(take))


@pytest.mark.parametrize("drift", [0.0005, -0.001, 0.003])
def test_tape_may_drift(take: Sound, drift: float) -> None:
    at = np.arange(len(take)) * (1 + drift)
    drifted = np.interp(at + 0.5 * (len(take) - at[-1]), np.arange(len(take)), take).astype(np.float32)
    alike = likeness(drifted, around(take))
    assert alike is not None
    assert alike > 0.6


def test_of_silence_and_of_next_to_nothing_nothing_is_told(take: Sound) -> None:
    assert likeness(np.zeros_like(take), around(take)) is None
    assert likeness(take, around(np.zeros_like(take))) is None
    assert likeness(take[: RATE_HZ // 3], around(take)) is None


# ── weighing ─────────────────────────────────────────────────────────────────


MATCH = Match("rec_1", 0.0, 5.0, 30.0, 35.0, score=12.0, probability=0.8, transform=Transform())


def test_waveforms_decide() -> None:
    by_likeness = [Takes(lambda _, alike=alike: alike).probability(MATCH) for alike in (0.1, 0.4, 1.0)]  # type: ignore[misc]
    assert by_likeness == sorted(by_likeness)
    assert by_likeness[0] < 0.01
    assert by_likeness[1] == pytest.approx(0.8)
    assert by_likeness[2] > 0.99


def test_what_cannot_be_heard_must_be_surer() -> None:
    takes = Takes(lambda _: None)
    assert takes.probability(MATCH) < 0.75
    assert takes.probability(replace(MATCH, probability=0.86)) > 0.75


def test_certain_is_certain() -> None:
    assert Takes(lambda _: 0.0).probability(replace(MATCH, probability=1.0)) < 0.01
    assert Takes(lambda _: None).probability(replace(MATCH, probability=1.0)) == pytest.approx(1.0)


def test_a_place_is_compared_once() -> None:
    answers: Iterator[float] = iter([1.0])
    takes = Takes(lambda _: next(answers))
    assert takes.probability(MATCH) == takes.probability(replace(MATCH, score=13.0, query_stop_s=5.5))


def test_what_was_changed_is_not_compared() -> None:
    changed = replace(MATCH, transform=Transform(pitch_semitones=1.0))
    assert Takes(lambda _: pytest.fail("compared")).probability(changed) == 0.8
