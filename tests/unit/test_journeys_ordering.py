"""What a form asks of masters, read; what cannot be had is told by its field."""

import pytest

from linernotes.errors import ParameterError
from linernotes.journeys.master import CODECS
from linernotes.journeys.ordering import Asked, read_asked


def test_empty_fields_ask_for_nothing() -> None:
    assert read_asked({}) == read_asked({"loudness": " ", "codecs": ",", "bits": "", "amount_tone": ""}) == Asked()


def test_what_is_asked_is_read() -> None:
    fields = {"album": "true", "loudness": "\N{MINUS SIGN}9.5", "peak": "-1", "codecs": "mp3_320, aac_256,mp3_320"}
    asked = read_asked(fields | {"bits": "24", "format": "flac", "amount_width": "0", "amount_tone": "33.5"})
    assert asked == Asked(
        album=True,
        loudness_lufs=-9.5,
        peak_dbtp=-1.0,
        amounts=("tone=33.5", "width=0"),
        codecs=("mp3_320", "aac_256"),
        bits=24,
        container="flac",
    )
    assert read_asked({"codecs": "all"}).codecs == CODECS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("loudness", "loud"),
        ("loudness", "1"),
        ("peak", "inf"),
        ("peak", "nan"),
        ("codecs", "tape"),
        ("album", "yes"),
        ("format", "mp3"),
        ("bits", "8"),
        ("amount_limiter", "-1"),
    ],
)
def test_what_cannot_be_had_is_told_by_its_field(field: str, value: str) -> None:
    with pytest.raises(ParameterError, match=rf"^{field}: '{value}'"):
        read_asked({field: value})
