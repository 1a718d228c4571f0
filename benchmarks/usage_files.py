"""Made-up usage reports, seeded: Digital Sales Reports and tables of any length, for tests and for the benchmark."""

import gzip
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from linernotes.formats.dsr import escaped

__all__ = ["dsr_lines", "dsr_name", "table_lines", "write_lines"]

_TERRITORIES = ("DE", "FR", "US", "GB", "JP")
_CURRENCIES = ("EUR", "EUR", "USD", "GBP", "JPY")
_SYLLABLES = ("ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo", "we", "yu")
_LINES_AT_ONCE = 20_000


def dsr_name(*, number: int = 1, of: int = 1, gzipped: bool = False) -> str:
    """Return a file name by the standard's rules."""
    time = "20260602T120000"
    return f"DSR_Us_Streamer_Premium_2026-05_multi_{number}of{of}_{time}.tsv" + (".gz" if gzipped else "")


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Write lines, gzipped if the name says so."""
    source = iter(lines)
    with gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb") as out:
        while some := list(islice(source, _LINES_AT_ONCE)):
            out.write(("\n".join(some) + "\n").encode())
    return path


def dsr_lines(
    *, n_blocks: int, seed: int = 1, streams: Sequence[int] | None = None, number: int = 1, of: int = 1
) -> Iterator[str]:
    """Yield a Basic Audio 1.4 report: a recording and its streams in each block, five summaries, totals that hold.

    ``streams``: of each block; random without.
    """
    rng = random.Random(seed)  # noqa: S311  (made-up names, no secrets)
    n_pools = len(_TERRITORIES)
    counts = list(streams) if streams is not None else [rng.randrange(1, 2000) for _ in range(n_blocks)]
    head = f"HEAD\tdsrf/1.1.2/6/1.0\tBasicAudioProfile\t1.4\tM{seed}\t2026-06-02T12:00:00Z\t{number}\t{of}\t2026-05-01"
    yield f"{head}\t2026-05-31\tPADPIDA2013102502A\tStreamer\tPremium\tPADPIDA2014111801Y\tUs\t"
    for pool in range(n_pools):
        used = sum(counts[pool::n_pools])
        money = f"{used * (pool + 3) * 997 // 1000}.{rng.randrange(10**6):06d}"
        sums = f"{used}\t\t{_CURRENCIES[pool]}\t{money}\t0\t\t\t\t\t"
        yield f"SY01.03\tS{pool}\t\t\tSubscriptionModel\tOnDemandStream\t{_TERRITORIES[pool]}\tPremium\t{sums}"
    for block, count in enumerate(counts):
        title, artist = escaped(_name(rng)), escaped(_name(rng))
        what = f"{title}\t\t{artist}\t\tPT3M20S\tSoundRecording\tT0345246801" + "\t" * 9
        yield f"AS02.04\t{block}\tR1\tsp{block}\tDEZZ1{block % 10**7:07d}\t{what}\ttrue\tfalse\t\t"
        yield f"SU02.03\t{block}\tS{block % n_pools}\tT{block}\t\tR1\ttrue\t{count}\t\t\t\t"
    n_lines = 2 + n_pools + 2 * len(counts)
    yield f"FOOT\t{n_lines}\t{n_lines}\t{n_pools}\t{len(counts)}\t{len(counts)}"


def table_lines(*, n_lines: int, seed: int = 1) -> Iterator[str]:
    """Yield a table: a header and lines with whole amounts, some of them quoted."""
    rng = random.Random(seed)  # noqa: S311
    yield "period,territory,currency,amount,quantity,isrc,title,artist,source,use_type,commercial_model"
    for line in range(n_lines):
        pool = rng.randrange(len(_TERRITORIES))
        where = f"2026-{1 + line % 6:02d},{_TERRITORIES[pool]},{_CURRENCIES[pool]}"
        money = f"{rng.randrange(100)}.{rng.randrange(10**6):06d},{rng.randrange(1, 5000)}"
        title = f'"{_name(rng)}, live"' if line % 10 == 0 else _name(rng)
        yield f"{where},{money},DEZZ1{line % 10**7:07d},{title},{_name(rng)},Streamer,OnDemandStream,SubscriptionModel"


def _name(rng: random.Random) -> str:
    digits = rng.randrange(10**6)
    word = "".join(_SYLLABLES[int(digit)] for digit in f"{digits:06d}")
    return f"{word[:6].capitalize()} {word[6:].capitalize()}"
