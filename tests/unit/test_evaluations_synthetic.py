from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluations import synthetic, synthetic_attacks, synthetic_chain
from evaluations.synthetic_chain import CODECS, RATE_HZ
from linernotes import audio
from training import synthetic_fit as fitting
from training.synthetic_data import Clip


def test_area_counts_ties_half() -> None:
    assert synthetic.area(np.array([0.0, 1.0]), np.array([1.0, 2.0])) == 0.875
    assert synthetic.area(np.array([0.0]), np.array([1.0])) == 1


def test_found_is_told_beyond_what_people_reach() -> None:
    assert synthetic.found(np.arange(100.0), np.array([50.0, 200.0])) == 0.5


def test_calibration_error_is_nought_for_probabilities_that_keep_their_word() -> None:
    probability = np.repeat([0.25, 0.75], 400)
    is_ai = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    assert synthetic.calibration_error(probability, is_ai) == pytest.approx(0, abs=1e-9)
    assert synthetic.calibration_error(np.ones(800), is_ai) == pytest.approx(0.5)


@pytest.mark.parametrize("codec", sorted(CODECS))
@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_the_chain_keeps_length_level_and_shape(codec: str, rate_hz: int) -> None:
    rng = np.random.default_rng(1)
    drawn = synthetic_chain.draw(rng)
    drawn = replace(drawn, codec=codec, bitrate_kbps=CODECS[codec][1 % len(CODECS[codec])], rate_hz=rate_hz, speed=1.0)
    samples = rng.normal(0, 0.1, (2 * RATE_HZ, 2)).astype(np.float32)
    sent = synthetic_chain.send(samples, drawn)
    assert sent.dtype == np.float32
    assert sent.shape[1] == 2
    assert abs(len(sent) - len(samples)) < 0.2 * RATE_HZ


def test_a_draw_depends_on_the_seed_alone() -> None:
    one, other = (synthetic_chain.draw(np.random.default_rng(9)) for _ in range(2))
    assert one == other


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = tmp_path_factory.mktemp("tone") / "tone.wav"
    channel = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(2 * RATE_HZ) / RATE_HZ)
    audio.write(path, np.stack([channel, channel], 1).astype(np.float32), sample_rate_hz=RATE_HZ)
    return Clip(path, "", "here", is_voice=False)


@pytest.mark.parametrize(
    ("attack", "hz", "ratio"),
    [(name, 1000, 1) for name in synthetic_attacks.ATTACKS if name.split()[0] not in ("speed", "pitch")]
    + [("speed 1.05", 1050, 1 / 1.05), ("speed 0.95", 950, 1 / 0.95), ("pitch 1", 1059, 1), ("pitch -1", 944, 1)],
)
def test_an_attack_changes_what_it_says_and_nothing_else(tone: Clip, attack: str, hz: float, ratio: float) -> None:
    attacked = synthetic_attacks.attacked(tone, attack)
    assert len(attacked) == pytest.approx(2 * RATE_HZ * ratio, abs=0.1 * RATE_HZ)
    middle = attacked[RATE_HZ // 2 : RATE_HZ // 2 + RATE_HZ, 0]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE_HZ / len(middle) == pytest.approx(hz, rel=0.01)


def test_other_clips_of_a_generator_that_is_seen_teach() -> None:
    known = [Clip(Path("x.wav"), generator, generator or "people", is_voice=False) for generator in ["m"] * 4 + [""]]
    n = len(known)
    heard = fitting.Examples(
        traits={},
        clip=np.arange(n),
        draw=np.zeros(n, np.int64),
        fold=np.array([5, 5, 5, 5, 4]),
        is_ai=np.arange(n) < 4,
        group=np.zeros(n, np.int64),
        zones=np.full(n, 9),
        seconds=np.full(n, 4, np.float32),
        is_stand_in=np.zeros(n, bool),
    )
    assert synthetic.among_seen(known, heard).fold.tolist() == [0, 1, 2, 0, 1]
