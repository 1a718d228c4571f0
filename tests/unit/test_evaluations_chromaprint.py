from pathlib import Path

import numpy as np
import pytest

from evaluations import chromaprint
from evaluations.queries import RATE_HZ, Query, QuerySet
from linernotes import audio
from linernotes.render import band


def test_the_best_alignment_is_the_one_with_the_fewest_differing_bits() -> None:
    rng = np.random.default_rng(1)
    references = [rng.integers(0, 2**32, n, dtype=np.uint64).astype(np.uint32) for n in (90, 120, 5)]
    query = references[1][40:60].copy()
    query[::3] ^= np.uint32(0b1011)
    i, place_s, equal = chromaprint.best(query, references)
    assert (i, round(place_s / chromaprint.FRAME_S)) == (1, 40)
    assert equal == pytest.approx(1 - 7 * 3 / (32 * 20))


@pytest.mark.skipif(not chromaprint.is_installed(), reason="fpcalc is not installed")
def test_the_peer_finds_an_excerpt_and_says_where(tmp_path: Path) -> None:
    def write(name: str, seed: int, start_s: float, stop_s: float) -> Path:
        song = band.perform(band.compose(seed, style="rock", duration_s=20.0), sample_rate_hz=RATE_HZ).mean(axis=1)
        audio.write(
            tmp_path / name,
            song[round(start_s * RATE_HZ) : round(stop_s * RATE_HZ)].astype(np.float32),
            sample_rate_hz=RATE_HZ,
        )
        return tmp_path / name

    catalogue = {f"{seed}.wav": write(f"{seed}.wav", seed, 0, 20) for seed in (1, 2)}
    queries = [
        Query(write("q.wav", 2, 6, 14), "clean", 8.0, "2.wav", 6.0, 1.0, 0.0),
        Query(write("s.wav", 3, 6, 14), "clean", 8.0, "", 0.0, 1.0, 0.0),
    ]
    assert chromaprint.figures(QuerySet(catalogue, queries, []))["recall_clean"] == 1.0
