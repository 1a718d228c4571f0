"""Human or machine, as words and as a picture."""

from linernotes.formats.authorship import headline, panel
from linernotes.model import Synthetic, SyntheticBand, SyntheticSegment, SyntheticVerdict


def found(verdict: SyntheticVerdict = SyntheticVerdict.MIXED, family: str | None = None) -> Synthetic:
    return Synthetic(
        verdict=verdict,
        probability=0.8712,
        family=family,
        segments=[SyntheticSegment(0.0, 5.0, 0.1), SyntheticSegment(5.0, 10.0, 0.9)],
        bands=[SyntheticBand(5.0, 10.0, 11_025.0, 22_050.0, 0.75)],
        reasons=["A comb of fine lines."],
        model_id="synthetic1-0",
    )


def test_every_verdict_has_a_headline_of_its_own() -> None:
    told = {headline(found(verdict)) for verdict in SyntheticVerdict}
    assert len(told) == len(SyntheticVerdict)
    assert not any(line.endswith(".") for line in told)


def test_a_family_is_named_only_where_it_is_clear() -> None:
    assert headline(found(SyntheticVerdict.AI, "latent diffusion")).endswith("of the kind latent diffusion")
    assert "kind" not in headline(found(SyntheticVerdict.AI))


def test_stretches_and_boxes_lie_where_they_sound() -> None:
    shown = panel(found(), duration_s=10.0)
    assert [(box.left, box.width, box.weight) for box in shown.strip] == [(0.0, 50.0, 0.1), (50.0, 50.0, 0.9)]
    (box,) = shown.boxes
    assert (box.left, box.width, box.top, box.height) == (50.0, 50.0, 0.0, 50.0)
    assert "11.0–22.1\N{NO-BREAK SPACE}kHz" in box.label
    assert shown.probability == "0.87"


def test_a_sound_without_length_has_no_places() -> None:
    assert all(box.width == 0 for box in panel(found(), duration_s=0.0).strip)
