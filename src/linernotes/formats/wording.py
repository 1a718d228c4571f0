"""What the liner notes say in words: times, odds, shares, verdicts.

Conventions
-----------
English. Times are ``m:ss.d`` (``h:mm:ss.d`` from one hour on), ranges carry an en dash, and a no-break space
stands between a number and its unit.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from linernotes.model import Evidence, EvidenceKind, Trace, Transform

__all__ = [
    "CAVEATS",
    "KINDS",
    "LIKELY",
    "change",
    "channel_count",
    "clock",
    "likelihood",
    "printable",
    "sample_rate",
    "share",
    "span",
    "summary",
    "verdict",
]

KINDS: Mapping[EvidenceKind, tuple[str, str]] = {
    EvidenceKind.RECORDING: ("recording", "recordings"),
    EvidenceKind.VERSION: ("work in another version", "works in other versions"),
    EvidenceKind.MELODY: ("melody", "melodies"),
    EvidenceKind.VOICE: ("voice", "voices"),
    EvidenceKind.LYRICS: ("text", "texts"),
    EvidenceKind.TRAINING: ("training source", "training sources"),
}
"""Each kind of evidence, one and many."""

CAVEATS: Sequence[str] = (
    "What is not in the catalogue that the sound was compared with cannot be heard here.",
    (
        "Similarity is not proof of copying, and this page decides nothing. A probability is as measured on a set of"
        " known recordings: of the verdicts given at 0.9, expect nine in ten to be right and one to be wrong."
    ),
    (
        "A verdict can be disputed by anyone it concerns: the times above, and the sounds where they are included, are"
        " there to be checked by ear."
    ),
)
"""What to bear in mind under any liner notes, a paragraph each."""

_NUMBERS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
LIKELY = 0.7
"""The least probability that anybody should rely on."""
# Least probability, in words; first that fits.
_LIKELIHOODS = ((0.99, "Almost certain"), (0.9, "Very likely"), (LIKELY, "Likely"), (0.0, "Uncertain"))


def clock(at_s: float, *, tenths: bool = True) -> str:
    """Write an instant. Check: ``clock(65.25) == "1:05.2"``, ``clock(3600, tenths=False) == "1:00:00"``."""
    whole, tenth = divmod(round(at_s * 10), 10)
    minutes, seconds = divmod(whole, 60)
    hours, rest = divmod(minutes, 60)
    text = f"{hours}:{rest:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{text}.{tenth}" if tenths else text


def printable(text: str) -> str:
    """Replace what a terminal would obey instead of print: names and tags come from strangers."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def span(start_s: float, stop_s: float) -> str:
    """Write a stretch of time."""
    return f"{clock(start_s)}\N{EN DASH}{clock(stop_s)}"


def sample_rate(rate_hz: int) -> str:
    """Write a sampling rate as on a sleeve."""
    return f"{rate_hz / 1000:g}\N{NO-BREAK SPACE}kHz"


def channel_count(channels: int) -> str:
    """Write how many channels a sound has."""
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")


def likelihood(probability: float) -> str:
    """Say a probability in words and in number, never rounded up to certainty."""
    words = next((words for least, words in _LIKELIHOODS if probability >= least), _LIKELIHOODS[-1][1])
    if probability > 0.99:
        return f"{words}, over 0.99"
    if probability < 0.01:
        return f"{words}, under 0.01"
    return f"{words}, {probability:.2f}"


def share(fraction: Fraction | None) -> str:
    """Write a share exactly, and as a percentage that says when it is rounded."""
    if fraction is None:
        return "not stated"
    hundredths = fraction * 10_000
    whole, rest = divmod(round(hundredths), 100)
    number = f"{whole}.{rest:02}".rstrip("0").rstrip(".")
    about = "" if hundredths.denominator == 1 else "about "
    return f"{fraction} ({about}{number}\N{NO-BREAK SPACE}%)"


def change(transform: Transform | None) -> str | None:
    """Say what was done to a reference, or None where nothing was, as far as a listener could tell."""
    if transform is None:
        return None
    pitch, tempo = transform.pitch_semitones, transform.tempo_ratio
    shifted, paced = abs(pitch) >= 0.05, abs(tempo - 1) >= 0.0005
    pace = f"{_decimal(abs(tempo - 1) * 100)}\N{NO-BREAK SPACE}% {'faster' if tempo > 1 else 'slower'}"
    if paced and shifted and abs(pitch - 12 * math.log2(tempo)) < 0.1:
        return f"{pace}, and its pitch with it, as on a turntable"
    semitones = _decimal(abs(pitch))
    unit = "semitone" if semitones == "1" else "semitones"
    shift = f"{semitones}\N{NO-BREAK SPACE}{unit} {'higher' if pitch > 0 else 'lower'}"
    return ", ".join(words for words, said in ((shift, shifted), (pace, paced)) if said) or None


def verdict(trace: Trace) -> str:
    """Sum up an upload's liner notes in a sentence."""
    if trace.upload is None:
        return "This file could not be read."
    if not trace.evidence:
        return "Nothing in the catalogue was heard in this upload."
    heard = [_heard(kind, [each for each in trace.evidence if each.kind is kind]) for kind in KINDS]
    text = _listed([words for words in heard if words])
    return f"{text[0].upper()}{text[1:]} heard in this upload."


def summary(traces: Sequence[Trace]) -> str:
    """Sum up the liner notes of several uploads in a sentence or two."""
    if not traces:
        return "No uploads were given."
    heard = sum(bool(trace.evidence) for trace in traces)
    unread = sum(trace.upload is None for trace in traces)
    text = f"Something in the catalogue was heard in {_number(heard)} of {_number(len(traces))} uploads."
    if not heard:
        text = f"Nothing in the catalogue was heard in {_number(len(traces))} uploads."
    return f"{text} {_number(unread).capitalize()} could not be read." if unread else text


def _heard(kind: EvidenceKind, evidence: Sequence[Evidence]) -> str:
    """Count the references of one kind, and those of them that nobody should rely on."""
    best: dict[str, float] = {}
    for each in evidence:
        best[each.reference.id] = max(best.get(each.reference.id, 0.0), each.probability)
    doubtful = sum(probability < LIKELY for probability in best.values())
    if not best:
        return ""
    one, many = KINDS[kind]
    text = f"{_number(len(best))} {one if len(best) == 1 else many}"
    if doubtful == len(best):
        return f"{text} perhaps"
    return f"{text} ({_number(doubtful)} of them uncertain)" if doubtful else text


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def _decimal(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
