from fractions import Fraction

import pytest

from linernotes.formats import wording
from linernotes.model import EvidenceKind, Transform

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("at_s", "text"),
    [(0, "0:00.0"), (65.25, "1:05.2"), (59.96, "1:00.0"), (3599.99, "1:00:00.0"), (36_061.5, "10:01:01.5")],
)
def test_a_clock_rounds_before_it_divides(at_s: float, text: str) -> None:
    assert wording.clock(at_s) == text


def test_a_span_has_an_en_dash() -> None:
    assert wording.span(5, 10) == "0:05.0\N{EN DASH}0:10.0"


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (1.0, "Almost certain, over 0.99"),
        (0.96, "Very likely, 0.96"),
        (0.8, "Likely, 0.80"),
        (0.5, "Uncertain, 0.50"),
        (0.0, "Uncertain, under 0.01"),
    ],
)
def test_a_likelihood_is_said_and_never_certain(probability: float, text: str) -> None:
    assert wording.likelihood(probability) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (Fraction(1), f"1 (100{SPACE}%)"),
        (Fraction(1, 2), f"1/2 (50{SPACE}%)"),
        (Fraction(1, 8), f"1/8 (12.5{SPACE}%)"),
        (Fraction(1, 3), f"1/3 (about 33.33{SPACE}%)"),
        (None, "not stated"),
    ],
)
def test_a_share_is_exact_and_says_when_its_percentage_is_not(fraction: Fraction | None, text: str) -> None:
    assert wording.share(fraction) == text


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        (None, None),
        (Transform(), None),
        (Transform(0.01, 1.0001), None),
        (Transform(-2), f"2{SPACE}semitones lower"),
        (Transform(1, 1), f"1{SPACE}semitone higher"),
        (Transform(0, 1.25), f"25{SPACE}% faster"),
        (Transform(0.5, 0.9), f"0.5{SPACE}semitones higher, 10{SPACE}% slower"),
        (Transform(12, 2.0), f"100{SPACE}% faster, and its pitch with it, as on a turntable"),
    ],
)
def test_a_change_is_said_in_words(transform: Transform | None, text: str | None) -> None:
    assert wording.change(transform) == text


def test_every_kind_of_evidence_has_words() -> None:
    assert set(wording.KINDS) == set(EvidenceKind)


def test_a_sound_is_described() -> None:
    assert wording.sample_rate(44_100) == f"44.1{SPACE}kHz"
    assert wording.sample_rate(48_000) == f"48{SPACE}kHz"
    assert [wording.channel_count(n) for n in (1, 2, 8)] == ["mono", "stereo", "8 channels"]
