from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.analyse import synthetic
from linernotes.analyse.synthetic import cells, traits, verdicts, weights
from linernotes.model import Synthetic, SyntheticVerdict

RATE_HZ = synthetic.SAMPLE_RATE_HZ
Samples = NDArray[np.float32]
rng = np.random.default_rng(5)


def both(channel: NDArray[np.float64]) -> Samples:
    return np.stack([channel, channel], axis=1).astype(np.float32)


def noise(seconds: float) -> Samples:
    return rng.normal(0, 0.1, (int(seconds * RATE_HZ), 2)).astype(np.float32)


def chiptune(seconds: float) -> Samples:
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    pitch = 220 * 2 ** (np.array([0, 3, 7, 12, 7, 3])[(t * 8).astype(int) % 6] / 12)
    square = np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / RATE_HZ))
    return both(np.round((0.3 * square + 0.1 * (rng.random(len(t)) - 0.5)) * 127) / 127)


def crackle(seconds: float) -> Samples:
    n = int(seconds * RATE_HZ)
    clicks = (rng.random(n) < 20 / RATE_HZ) * rng.normal(0, 0.5, n)
    hiss = rng.normal(0, 0.02, n)
    return both(np.convolve(clicks + hiss, np.hanning(9), "same"))


def judged(samples: Samples) -> Synthetic:
    return synthetic.judge([samples], source_rate_hz=RATE_HZ)


T_10 = np.arange(10 * RATE_HZ) / RATE_HZ


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((0, 2), np.float32),
        np.zeros((10 * RATE_HZ, 2), np.float32),
        np.full((6 * RATE_HZ, 2), 0.5, np.float32),
        both(0.5 * np.sin(2 * np.pi * 440 * T_10)),
        both(0.3 * np.sign(np.sin(2 * np.pi * 440 * T_10))),
        noise(8),
        noise(0.2),
        chiptune(8),
        crackle(8),
        np.clip(noise(6) * 100, -1, 1),
    ],
    ids=["nothing", "silence", "offset", "tone", "square", "noise", "0.2 s", "chiptune", "crackle", "clipped"],
)
def test_what_is_no_music_is_never_accused(samples: Samples) -> None:
    verdict = judged(samples)
    assert verdict.verdict in (SyntheticVerdict.HUMAN, SyntheticVerdict.UNCERTAIN)
    assert verdict.reasons
    assert 0 <= verdict.probability <= 1


def test_a_short_sound_and_a_narrow_one_are_refused_with_the_reason() -> None:
    assert judged(noise(1)).reasons[0].startswith("too short: 1.0 s")
    assert judged(both(0.5 * np.sin(2 * np.pi * 440 * T_10))).reasons[0].startswith("too band-limited")


def test_blocks_of_any_size_give_the_same_verdict() -> None:
    samples = chiptune(7.7) + 0.1 * noise(7.7)
    cuts = np.sort(rng.integers(0, len(samples), 20))
    whole = judged(samples)
    parts = synthetic.judge(np.split(samples, cuts), source_rate_hz=RATE_HZ)
    assert parts == whole


def test_segments_are_seconds_side_by_side() -> None:
    verdict = judged(noise(9))
    assert [(s.start_s, s.stop_s) for s in verdict.segments] == [(float(i), i + 1.0) for i in range(9)]


def test_a_cell_of_silence_counts_for_nothing() -> None:
    heard = list(cells.cut([np.concatenate([np.zeros((2 * RATE_HZ, 2), np.float32), noise(3)])]))
    assert [cell.quiet for cell in heard] == [1, 1, 0, 0, 0]
    assert cells.total(heard).n == 3


def test_the_band_edge_is_heard() -> None:
    spectrum = np.fft.rfft(noise(3), axis=0)
    spectrum[int(len(spectrum) * 7000 / (RATE_HZ / 2)) :] = 0
    cell = next(cells.cut([np.fft.irfft(spectrum, axis=0).astype(np.float32)]))
    assert cell.edge_hz == pytest.approx(7000, abs=300)
    assert cell.heard.tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0]
    shown = traits.shown(cell, traits.lines_db(cell))
    assert np.isnan(shown["scatter"]).mean() == pytest.approx(5 / 9)


def test_lines_stand_where_a_comb_is() -> None:
    t = np.arange(5 * RATE_HZ) / RATE_HZ
    comb = sum(np.sin(2 * np.pi * k * 500 * t + k) for k in range(8, 20)) * 0.01
    stretch = cells.total(cells.cut([noise(5) + both(np.asarray(comb))]))
    lines = traits.lines_db(stretch)
    on_comb = [lines[round(k * 500 / cells.FINE_HZ)] for k in range(8, 20)]
    between = [lines[round((k + 0.5) * 500 / cells.FINE_HZ)] for k in range(8, 20)]
    assert min(on_comb) > 5
    assert np.mean(between) < 2


def heard(logits: list[float]) -> verdicts.Heard:
    """Return what would be heard of music whose stretches have these scores."""
    known = verdicts.Heard()
    for logit in logits:
        known.said.append({"tones": logit})
        known.known.append(1.0)
    known.n_cells = len(logits) + 3
    known.seconds = known.zone_s = float(known.n_cells)
    known.edge_s = 20_000.0 * known.n_cells
    return known


def plain() -> weights.Weights:
    calibration = np.array([1, 0, 0, 0, 0], np.float32)
    return weights.Weights("test", {}, {}, calibration, accusation=3.0, stretch=3.5, strangeness=0.5)


@pytest.mark.parametrize(
    ("logits", "verdict"),
    [
        ([4.0] * 10, "ai"),
        ([-2.0] * 10, "human"),
        ([1.0] * 10, "uncertain"),
        ([-2.0] * 20 + [6.0] * 10, "mixed"),
        ([12.0] * 10 + [-2.0] * 10, "mixed"),
    ],
)
def test_verdicts_follow_the_scores(logits: list[float], verdict: str) -> None:
    told = verdicts.told(heard(logits), plain(), source_rate_hz=RATE_HZ)
    assert told.verdict.value == verdict


def test_seconds_that_differ_from_the_rest_are_moved_away_from_it() -> None:
    def probabilities(logits: list[float]) -> list[float]:
        told = verdicts.told(heard(logits), plain(), source_rate_hz=RATE_HZ)
        return [segment.probability for segment in told.segments]

    assert probabilities([0.7] * 17) == pytest.approx([1 / (1 + np.exp(-0.7))] * 20)  # of one kind: as they are
    mixed = probabilities([-1.0] * 20 + [1.0] * 20)
    assert mixed[0] == pytest.approx(1 / (1 + np.exp(2)), abs=0.01)
    assert mixed[-1] == pytest.approx(1 / (1 + np.exp(-2)), abs=0.01)


def test_what_is_unlike_anything_known_is_not_accused() -> None:
    strange = heard([9.0] * 10)
    strange.known = [0.1] * 10
    told = verdicts.told(strange, plain(), source_rate_hz=RATE_HZ)
    assert told.verdict is SyntheticVerdict.UNCERTAIN
    assert "unlike" in told.reasons[0]


def test_long_recordings_get_no_more_than_500_segments() -> None:
    told = verdicts.told(heard([0.0] * 4000), plain(), source_rate_hz=RATE_HZ)
    assert len(told.segments) <= 500
    assert told.segments[-1].stop_s == 4003


def test_weights_come_back_as_they_were_saved(tmp_path: Path) -> None:
    shipped = weights.shipped()
    shipped.save(tmp_path / "weights.npz")
    again = weights.Weights.load(tmp_path / "weights.npz")
    shown = {family: expert.mean[None] + 0.1 for family, expert in shipped.experts.items()}
    assert again.model_id == shipped.model_id
    assert again.accusation == shipped.accusation
    assert np.allclose(again.scores(shown)[1], shipped.scores(shown)[1])
    for name, said in shipped.scores(shown)[0].items():
        assert np.allclose(again.scores(shown)[0][name], said, atol=0.02)
