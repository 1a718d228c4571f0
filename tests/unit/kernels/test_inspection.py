"""Faults are found where they are, and not where there are none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.kernels.inspection import ChannelInspection

RATE = 44100


def inspected(samples: NDArray[np.float64], size: int = 1000) -> ChannelInspection:
    inspection = ChannelInspection(sample_rate_hz=RATE)
    for start in range(0, len(samples), size):
        inspection.add(np.ascontiguousarray(samples[start : start + size], np.float32))
    inspection.finish()
    return inspection


def tone(level: float) -> NDArray[np.float64]:
    return np.asarray(level * np.sin(2.0 * np.pi * 440.0 * np.arange(RATE) / RATE))


@pytest.mark.parametrize("size", [7, 1000, RATE])
def test_a_click_a_hole_and_flat_tops(size: int) -> None:
    sound = tone(0.4)
    sound[20000] += 0.5
    sound[30000:30400] = 0.0
    sound[35000:35005] = 0.7
    inspection = inspected(sound, size)
    assert inspection.spots("clicks").tolist() == [[20000, 20001]]
    assert inspection.spots("holes").tolist() == [[30000, 30400]]
    assert inspection.spots("tops").tolist() == [[35000, 35005]]
    assert inspection.n_clipped == 5


def test_a_clean_sound_has_no_faults() -> None:
    noise = 0.2 * np.random.default_rng(0).standard_normal(RATE)
    for sound in (tone(0.99), noise, np.zeros(RATE)):
        inspection = inspected(sound)
        assert [len(inspection.spots(kind)) for kind in ("tops", "holes", "clicks")] == [0, 0, 0]


def test_what_was_clipped_is_counted_to_the_end_and_listed_up_to_a_hundred() -> None:
    clipped = np.clip(3.0 * tone(0.99), -1.0, 1.0)
    inspection = inspected(clipped)
    assert inspection.n_clipped == np.count_nonzero(np.abs(clipped.astype(np.float32)) == 1.0)
    assert len(inspection.spots("tops")) == 100
    assert inspected(np.ones(50)).n_clipped == 50


@pytest.mark.parametrize("place", range(30_000, 30_070, 5))
def test_a_click_is_found_wherever_it_lies_and_only_where_it_is_calm_around(place: int) -> None:
    rng = np.random.default_rng(place)
    sound = 0.0005 * rng.standard_normal(RATE)
    sound[place] += 0.4
    assert inspected(sound, RATE).spots("clicks").tolist() == [[place, place + 1]]
    sound[place + 26 : place + 2000] += 0.3 * rng.standard_normal(1974)  # beyond its reach
    assert inspected(sound, RATE).spots("clicks").tolist()[0] == [place, place + 1]
    sound[place - 20 : place - 10] += 0.3 * rng.standard_normal(10)
    assert [place, place + 1] not in inspected(sound, RATE).spots("clicks").tolist()
