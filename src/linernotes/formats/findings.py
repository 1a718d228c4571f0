"""What is odd about a sound, in words: faults that mastering meets and does not mend."""

from collections.abc import Sequence

from linernotes.formats.wording import clock
from linernotes.model import Meters, PlanNote, Spot

__all__ = ["findings"]

_DC_MIN = 0.003
_INVERTED = -0.6
_MONO_LOSS_DB = 6.0
_SIDES = ("left", "right")


def findings(meters: Meters) -> list[PlanNote]:
    """Tell what somebody should look into before a release."""
    dead = meters.dead_channels
    found = [PlanNote("dead_channel", f"the {_name(channel, meters)} is silent") for channel in dead]
    for channel, offset in enumerate(meters.dc):
        if abs(offset) >= _DC_MIN:
            percent = f"{100 * offset:+.1f} % of full scale".replace("-", "\N{MINUS SIGN}")
            found.append(PlanNote("dc", f"the {_name(channel, meters)} stands off zero, by {percent}"))
    if meters.stereo is not None and not dead:
        correlation, loss_db = meters.stereo.correlation, meters.stereo.mono_loss_db
        if correlation <= _INVERTED:
            told = f"one channel is the other turned upside down (correlation {correlation:.2f}); in mono it vanishes"
            found.append(PlanNote("inverted", told.replace("-", "\N{MINUS SIGN}")))
        elif loss_db >= _MONO_LOSS_DB:
            found.append(PlanNote("mono", f"in mono it loses {loss_db:.1f} dB"))
    if meters.n_clipped:
        found.append(PlanNote("clipped", f"already clipped: {meters.n_clipped} samples{_first(meters.clipped)}"))
    for code, name, spots in (("click", "click", meters.clicks), ("dropout", "dropout", meters.dropouts)):
        if spots:
            found.append(PlanNote(code, f"{len(spots)} {name}{'s' if len(spots) > 1 else ''}{_first(spots)}"))
    return found


def _name(channel: int, meters: Meters) -> str:
    return f"{_SIDES[channel]} channel" if meters.channels == 2 else "sound"


def _first(spots: Sequence[Spot]) -> str:
    return f", first at {clock(spots[0].start_s)}" if spots else ""
