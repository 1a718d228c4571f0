"""Make the weights that are shipped: clips through random chains, experts fitted, calibrated on unheard folds.

``python -m training.synthetic --data DIR --out FILE`` takes about half an hour of one core.
"""

import argparse
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluations.synthetic_chain import RATE_HZ, Chain, draw, send
from linernotes import audio
from linernotes.analyse.synthetic import cells, traits
from linernotes.analyse.synthetic.cells import STRETCH, Cell
from training import synthetic_fit as fitting
from training.synthetic_data import Clip, clips, folds, is_held_out
from training.synthetic_decoders import imitated

__all__ = ["assembled", "chain_of", "examples", "main", "sent", "stretches"]

Samples = NDArray[np.float32]

MODEL_ID = "traits1"
LONGEST_S, STAND_IN_S = 8.0, 5.0
STAND_IN = 900
"""The first of the draws in which people's music passes a stand-in for a decoder first."""
DRAWS, STAND_INS = 5, 2
LINES = slice(int(1000 / cells.FINE_HZ), int(16_000 / cells.FINE_HZ))
"""Bins of the long-term spectrum that the reference method looks at."""


def chain_of(clip: Clip, number: int) -> Chain:
    """Tell which chain a clip's draw is."""
    return draw(_dice(clip, number))


def _dice(clip: Clip, number: int) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(f"{clip.path.parent.name}/{clip.path.name}/{number}".encode()))


def sent(clip: Clip, number: int) -> Samples:
    """Return a clip after draw ``number`` of the chain, the same each time; first a stand-in's if that is asked."""
    rng = _dice(clip, number)
    chain = draw(rng)
    samples, _ = audio.read(clip.path, sample_rate_hz=RATE_HZ, channels=2)
    is_stand_in = number >= STAND_IN
    length = int((STAND_IN_S if is_stand_in else LONGEST_S) * RATE_HZ)
    if len(samples) > length:
        start = int(rng.integers(len(samples) - length))
        samples = samples[start : start + length]
    return send(imitated(samples, rng) if is_stand_in else samples, chain)


def stretches(heard: Sequence[Cell]) -> list[Cell]:
    """Stretches of four seconds: the first, the last, and one between where there is room."""
    last = max(0, len(heard) - STRETCH)
    starts = {0, last} | ({last // 2} if last > 3 else set())
    found = [cells.total(heard[start : start + STRETCH]) for start in sorted(starts)]
    return [stretch for stretch in found if stretch.n >= 1]


def examples(known: Sequence[Clip], numbers: Sequence[int], cache: Path | None = None) -> fitting.Examples:
    """Send clips through draws of the chain and take their traits; ``cache`` keeps them from run to run."""
    if cache is not None and cache.is_file():
        return fitting.Examples.load(cache)
    wanted = [(i, number) for number in numbers for i in range(len(known))]
    stand_ins = range(STAND_IN, STAND_IN + STAND_INS)
    wanted += [(i, number) for number in stand_ins for i, clip in enumerate(known) if not (clip.is_ai or clip.is_voice)]
    taken = assembled(known, ((i, number, list(cells.cut([sent(known[i], number)]))) for i, number in wanted))
    if cache is not None:
        taken.save(cache)
    return taken


def assembled(known: Sequence[Clip], heard: Iterable[tuple[int, int, Sequence[Cell]]]) -> fitting.Examples:
    """Put together what was heard of clips: (clip, draw, cells)."""
    names = sorted({clip.generator or clip.source for clip in known})
    rows: list[tuple[int, int, int, float]] = []
    taken: list[Mapping[str, Samples]] = []
    for i, number, parts in heard:
        for stretch in stretches(parts):
            lines = traits.lines_db(stretch)
            taken.append({**traits.shown(stretch, lines), "lines": lines[LINES]})
            rows.append((i, number, int((stretch.heard > 0.5 * stretch.n).sum()), stretch.n))
    clip, draws, zones = (np.array([row[k] for row in rows], np.int64) for k in range(3))
    is_stand_in = draws >= STAND_IN
    is_ai = np.array([known[i].is_ai for i in clip]) | is_stand_in
    group = np.array([names.index(known[i].generator or known[i].source) for i in clip])
    return fitting.Examples(
        traits={family: np.stack([row[family] for row in taken]) for family in taken[0]},
        clip=clip,
        draw=draws,
        fold=folds(known)[clip],
        is_ai=is_ai,
        group=np.where(is_stand_in, group + len(names), group),
        zones=zones,
        seconds=np.array([row[3] for row in rows], np.float32),
        is_stand_in=is_stand_in,
    )


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder laid out as docs/synthetic.md says")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws of the chain for each clip")
    parser.add_argument("--cache", type=Path, help="file that keeps what was heard between runs")
    options = parser.parse_args()
    known = clips(options.data)
    taught = [clip for clip in known if not is_held_out(clip)]
    heard = examples(taught, range(options.draws), options.cache)
    fitting.trained(heard, MODEL_ID).save(options.out)


if __name__ == "__main__":
    main()
