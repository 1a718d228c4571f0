"""Make the weights that are shipped: every clip through its own random chains, ears fitted, calibrated on unheard folds.

``python -m training.synthetic --data DIR --out src/linernotes/analyse/synthetic/weights.npz`` takes about an hour of one core.
"""

import argparse
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluations.synthetic_chain import RATE_HZ, Chain, draw, send
from linernotes import audio
from linernotes.analyse.synthetic import cells, traits
from linernotes.analyse.synthetic.cells import Cell
from training import synthetic_fit as fitting
from training.synthetic_data import Clip, clips, folds

__all__ = ["LONGEST_S", "gathered", "main", "sent", "stretches"]

Floats = NDArray[np.float32]

MODEL_ID = "traits1"
STRETCH, LONGEST_S = 4, 8.0
DRAWS = 2


def sent(clip: Clip, number: int) -> tuple[Floats, Chain]:
    """Return a clip after draw ``number`` of the chain; the same each time."""
    rng = np.random.default_rng(zlib.crc32(f"{clip.path.parent.name}/{clip.path.name}/{number}".encode()))
    chain = draw(rng)
    samples, _ = audio.read(clip.path, sample_rate_hz=RATE_HZ, channels=2)
    length = int(LONGEST_S * RATE_HZ)
    if len(samples) > length:
        start = int(rng.integers(len(samples) - length))
        samples = samples[start : start + length]
    return send(samples, chain), chain


def stretches(heard: Sequence[Cell]) -> list[Cell]:
    """Stretches of four seconds: the first, the last, and one between where there is room."""
    last = max(0, len(heard) - STRETCH)
    starts = {0, last} | ({last // 2} if last > 3 else set())
    found = [cells.total(heard[start : start + STRETCH]) for start in sorted(starts)]
    return [stretch for stretch in found if stretch.n >= 1]


def gathered(known: Sequence[Clip], fold: NDArray[np.int64], numbers: Sequence[int]) -> fitting.Examples:
    """Send clips through draws of the chain and take their traits."""
    return assembled(known, fold, ((i, number, list(cells.cut([sent(clip, number)[0]]))) for number in numbers for i, clip in enumerate(known)))  # fmt: skip


def assembled(
    known: Sequence[Clip], fold: NDArray[np.int64], heard: Iterator[tuple[int, int, Sequence[Cell]]]
) -> fitting.Examples:
    """Put together what was heard of clips: (clip, draw, cells)."""
    names = sorted({clip.generator or clip.source for clip in known})
    rows: list[tuple[int, int, int, float]] = []
    taken: list[Mapping[str, Floats]] = []
    for i, number, parts in heard:
        for stretch in stretches(parts):
            taken.append(traits.shown(stretch))
            rows.append((i, number, int((stretch.heard > 0.5 * stretch.n).sum()), stretch.n))
    clip, number, zones = (np.array([row[k] for row in rows], np.int64) for k in range(3))
    return fitting.Examples(
        traits={family: np.stack([row[family] for row in taken]) for family in traits.FAMILIES},
        clip=clip,
        draw=number,
        fold=fold[clip],
        is_ai=np.array([known[i].is_ai for i in clip]),
        group=np.array([names.index(known[i].generator or known[i].source) for i in clip]),
        zones=zones,
        seconds=np.array([row[3] for row in rows], np.float32),
    )


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder laid out as docs/synthetic.md says")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws of the chain for each clip")
    options = parser.parse_args()
    known = clips(options.data)
    examples = gathered(known, folds(known), range(options.draws))
    fitting.trained(examples, MODEL_ID).save(options.out)


if __name__ == "__main__":
    main()
