"""What mastering did, as one page: before and after, to look at and to hear at equal loudness.

The page is a pure function of records and of sounds already encoded: no clock, no disk, no network. It needs nothing
beside itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from linernotes.formats import charts, wording
from linernotes.formats.charts import Chart, Curve, Tick
from linernotes.formats.platform_targets import Check, checked
from linernotes.formats.sealed import data_uri, sealed, source
from linernotes.model import FLOOR_DB, THIRD_OCTAVES_HZ, BandMeter, Master, MasteringResult, Meters, Problem

__all__ = ["Excerpts", "html", "shown", "style", "template"]

_OCTAVES_HZ = (31.5, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 16_000)
_MINUS = "−"


@dataclass(frozen=True, slots=True)
class Excerpts:
    """The same stretch before and after, encoded or where it is to be had, brought to one loudness.

    ``before_db``, ``after_db``: how much each was turned down for that.
    """

    before: bytes | str
    after: bytes | str
    start_s: float
    stop_s: float
    before_db: float
    after_db: float
    media_type: str = "audio/mpeg"


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class _Coded:
    codec: str
    peak: str
    holds: bool


@dataclass(frozen=True, slots=True)
class _Card:
    id: str
    before: str
    after: str
    place: str
    length_s: float
    words: str


@dataclass(frozen=True, slots=True)
class _Section:
    id: str
    name: str
    verdict: str
    length: str
    facts: Sequence[tuple[str, str]]
    card: _Card | None
    charts: Sequence[Chart]
    rows: Sequence[_Row]
    checks: Sequence[Check]
    coded: Sequence[_Coded]
    coded_words: str
    notes: Sequence[str]
    problems: Sequence[Problem]
    loudness: tuple[str, str, str]


def html(masters: Sequence[Master], excerpts: Mapping[int, Excerpts], *, generator: str, album: bool = False) -> str:
    """Write what became of one sound, or of several, as one page; ``excerpts`` are found by index of the master."""
    return sealed(
        "master_report.html",
        style=source("report.css") + style(),
        script=source("report.js"),
        generator=generator,
        **shown(masters, excerpts, album=album),
    )


def template() -> str:
    """Return the template, for pages that extend it: blocks ``head``, ``top``, ``heading``, ``after``, ``script``."""
    return source("master_report.html")


def style() -> str:
    """Return the sheet, which follows that of the liner notes."""
    return source("master_report.css")


def shown(masters: Sequence[Master], excerpts: Mapping[int, Excerpts], *, album: bool = False) -> dict[str, Any]:
    """Return what the template needs of masters; ``excerpts`` are found by index of the master."""
    sections = [_section(index, master, excerpts.get(index)) for index, master in enumerate(masters)]
    return {
        "title": f"{sections[0].name} – master" if len(sections) == 1 else ("Album" if album else "Masters"),
        "heading": "Album" if album else "Masters",
        "verdict": _summary(masters, album=album),
        "sections": sections,
        "album_chart": _album_chart(masters) if album else None,
    }


def _number(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}".replace("-", _MINUS) if value > FLOOR_DB else f"{_MINUS}∞"


def _signed(value: float, digits: int = 1) -> str:
    return f"{value:+.{digits}f}".replace("-", _MINUS)


def _summary(masters: Sequence[Master], *, album: bool) -> str:
    done = [master.result for master in masters if master.result is not None]
    failed = sum(1 for master in masters if master.problems)
    parts = [f"{len(done)} {'song' if len(done) == 1 else 'songs'} mastered"]
    if done:
        levels = [result.after.integrated_lufs for result in done]
        span = _number(min(levels)), _number(max(levels))
        parts.append(f"{span[0]} LUFS" if span[0] == span[1] else f"{span[0]} to {span[1]} LUFS")
        parts.append(f"true peak at most {_number(max(result.after.true_peak_dbtp for result in done))} dBTP")
    if failed:
        parts.append(f"{failed} could not be")
    offset_lu = max((master.album_offset_lu for master in masters), default=0.0)
    lower = (
        f" All songs stand {offset_lu:.1f} LU lower than asked, or the loudest would be squashed." if offset_lu else ""
    )
    return f"{', '.join(parts)}.{lower if album else ''}"


def _section(index: int, master: Master, excerpts: Excerpts | None) -> _Section:
    section_id = f"m{index + 1}"
    result = master.result
    coded = {each.codec: each.true_peak_dbtp for each in master.coded}
    return _Section(
        id=section_id,
        name=PurePath(master.path).name,
        verdict=_verdict(master),
        length=wording.clock(result.before.duration_s) if result else "",
        facts=_facts(master, result) if result else (),
        card=_card(section_id, excerpts) if excerpts else None,
        charts=_charts(result) if result else (),
        rows=_rows(result.before, result.after) if result else (),
        checks=checked(result.after, coded) if result else (),
        coded=[_Coded(name, _number(peak, 2), peak <= (master.ceiling_dbtp or 0.0)) for name, peak in coded.items()],
        coded_words=_coded_words(master),
        notes=[note.message for note in master.notes],
        problems=master.problems,
        loudness=_loudness(result),
    )


def _loudness(result: MasteringResult | None) -> tuple[str, str, str]:
    if result is None:
        return "–", "–", "–"
    after = result.after
    return _number(result.before.integrated_lufs), _number(after.integrated_lufs), _number(after.true_peak_dbtp)


def _verdict(master: Master) -> str:
    result = master.result
    if result is None:
        return "Not mastered."
    if result.plan.is_identity:
        return "Nothing was asked to change: the master is the input."
    before, after = result.before, result.after
    reduction = result.reduction
    moved = f"From {_number(before.integrated_lufs)} to {_number(after.integrated_lufs)} LUFS"
    limited = (
        f"the limiter took {reduction.greatest_db:.1f} dB at most, in {100 * reduction.active_share:.0f} % of the time"
        if reduction.greatest_db >= 0.05
        else "the limiter had nothing to do"
    )
    short = f" It is {result.shortfall_lu:.1f} LU short of the target: more would have been squashed."
    return (
        f"{moved}, true peak {_number(after.true_peak_dbtp)} dBTP; {limited}."
        f"{short if result.shortfall_lu > 0.05 else ''}"
    )


def _facts(master: Master, result: MasteringResult) -> list[tuple[str, str]]:
    after = result.after
    sound = f"{wording.sample_rate(after.sample_rate_hz)}, {wording.channel_count(after.channels)}"
    facts = [
        ("Length", wording.clock(after.duration_s)),
        ("Master", f"{sound}, {master.bits} bit {master.codec.upper()}"),
        ("Gain", f"{_signed(result.gain_db)} dB"),
    ]
    if master.target_lufs is not None:
        facts.append(("Target", f"{_number(master.target_lufs)} LUFS"))
    if master.ceiling_dbtp is not None:
        facts.append(("Ceiling", f"{_number(master.ceiling_dbtp)} dBTP"))
    return facts


def _card(section_id: str, excerpts: Excerpts) -> _Card:
    louder, turned_db = max(("before", excerpts.before_db), ("after", excerpts.after_db), key=lambda each: each[1])
    words = (
        f"Both at one loudness: “{louder}” is turned down by {turned_db:.1f} dB, so that louder does not sound better."
    )
    return _Card(
        id=f"{section_id}e1",
        before=_address(excerpts.before, excerpts.media_type),
        after=_address(excerpts.after, excerpts.media_type),
        place=wording.span(excerpts.start_s, excerpts.stop_s),
        length_s=round(excerpts.stop_s - excerpts.start_s, 3),
        words=words if turned_db >= 0.05 else "Both have the same loudness.",
    )


def _address(sound: bytes | str, media_type: str) -> str:
    return sound if isinstance(sound, str) else data_uri(sound, media_type)


def _charts(result: MasteringResult) -> list[Chart]:
    drawn = [_loudness_chart(result), _reduction_chart(result), _spectrum_chart(result)]
    return [*drawn, _tone_chart(result)] if any((*result.plan.tone_mid_db, *result.plan.tone_side_db)) else drawn


def _loudness_chart(result: MasteringResult) -> Chart:
    before, after = result.before, result.after
    curves = [("before", charts.thinned(before.short_term_lufs)), ("after", charts.thinned(after.short_term_lufs))]
    heard = [value for _, values in curves for value in values if value > -60] or [-23.0]
    high = max(heard) + 2
    low = max(min(heard) - 2, high - 40)
    drawn = [Curve(kind, charts.line(values, low=low, high=high), kind.capitalize()) for kind, values in curves]
    target_lufs = result.plan.loudness_lufs
    if target_lufs is not None:
        drawn.append(Curve("target", charts.line([target_lufs] * 2, low=low, high=high), "Integrated target"))
    words = (
        f"Short-term loudness: at most {_number(before.greatest_short_term_lufs)} LUFS before and "
        f"{_number(after.greatest_short_term_lufs)} after; range {before.range_lu:.1f} and {after.range_lu:.1f} LU"
    )
    ticks = charts.time_ticks(after.duration_s)
    return Chart("Loudness over time", words, drawn, ticks, charts.value_ticks(low, high), "LUFS")


def _reduction_chart(result: MasteringResult) -> Chart:
    reduction = result.reduction
    values = [-each for each in charts.deepest(reduction.curve_db)]
    low = min(-3.0, -reduction.greatest_db - 0.5)
    words = (
        f"Gain reduction of the limiter: {reduction.greatest_db:.1f} dB at most, {reduction.mean_db:.2f} dB on average"
    )
    drawn = [Curve("after area", charts.area(values, low=low, high=0.0, base=0.0))]
    ticks = charts.time_ticks(result.after.duration_s)
    return Chart("Gain reduction", words, drawn, ticks, charts.value_ticks(low, 0.0, most=4), "dB")


def _spectrum_chart(result: MasteringResult) -> Chart:
    """Draw both spectra relative to their loudness, so that they lie over each other where only the level changed."""
    spectra = {
        kind: [level - meters.integrated_lufs if level > -120 else None for level in meters.mid_db]
        for kind, meters in (("before", result.before), ("after", result.after))
    }
    high = max((value for values in spectra.values() for value in values if value is not None), default=0.0) + 3
    low = high - 60
    drawn = [
        Curve(kind, charts.line(values, low=low, high=high), kind.capitalize()) for kind, values in spectra.items()
    ]
    both = zip(spectra["before"], spectra["after"], strict=True)
    moved = max((abs(b - a) for a, b in both if a is not None and b is not None), default=0.0)
    words = f"Third-octave spectrum of the middle, relative to loudness; the bands moved by up to {moved:.1f} dB"
    return Chart("Spectrum, at equal loudness", words, drawn, _octave_ticks(), charts.value_ticks(low, high), "dB")


def _tone_chart(result: MasteringResult) -> Chart:
    plan = result.plan
    gains = {"after": plan.tone_mid_db, "side": plan.tone_side_db}
    reach = max(3.0, *(abs(gain) + 0.5 for values in gains.values() for gain in values), 0.0)
    named = {"after": "Middle", "side": "Sides"}
    drawn = [Curve(kind, charts.line(list(v), low=-reach, high=reach), named[kind]) for kind, v in gains.items() if v]
    words = (
        f"What the tone stage does to each third octave: at most {max(map(abs, plan.tone_mid_db), default=0.0):.1f} dB"
    )
    return Chart("Tone", words, drawn, _octave_ticks(), charts.value_ticks(-reach, reach), "dB")


def _octave_ticks() -> list[Tick]:
    last = len(THIRD_OCTAVES_HZ) - 1
    ticks = []
    for n, hz in enumerate(_OCTAVES_HZ):
        nearest = min(range(last + 1), key=lambda band, hz=hz: abs(THIRD_OCTAVES_HZ[band] - hz))  # type: ignore[misc]
        label = f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"
        ticks.append(Tick(round(100 * nearest / last, 3), label, is_minor=n % 2 == 0))
    return ticks


def _rows(before: Meters, after: Meters) -> list[_Row]:
    rows = [
        _Row("Integrated loudness, LUFS", _number(before.integrated_lufs, 2), _number(after.integrated_lufs, 2)),
        _Row("Loudness range, LU", _number(before.range_lu), _number(after.range_lu)),
        _Row("Loudest 3 s, LUFS", _number(before.greatest_short_term_lufs), _number(after.greatest_short_term_lufs)),
        _Row("Loudest 400 ms, LUFS", _number(before.greatest_momentary_lufs), _number(after.greatest_momentary_lufs)),
        _Row("True peak, dBTP", _number(before.true_peak_dbtp, 2), _number(after.true_peak_dbtp, 2)),
        _Row("True peak over loudness (PLR), dB", _number(before.plr_db), _number(after.plr_db)),
        _Row("Crest, dB", _number(before.crest_db), _number(after.crest_db)),
    ]
    for old, new in zip(before.bands, after.bands, strict=False):
        rows.append(_Row(f"Crest {_band(old)}, dB", _number(old.crest_db), _number(new.crest_db)))
    if before.stereo and after.stereo:
        old_stereo, new_stereo = before.stereo, after.stereo
        rows += [
            _Row("Correlation", _number(old_stereo.correlation, 2), _number(new_stereo.correlation, 2)),
            _Row("Width, sides over middle, dB", _number(old_stereo.width_db), _number(new_stereo.width_db)),
            _Row("Lost in mono, dB", _number(old_stereo.mono_loss_db), _number(new_stereo.mono_loss_db)),
        ]
    rows.append(_Row("Samples at full scale", str(before.n_clipped), str(after.n_clipped)))
    return rows


def _band(band: BandMeter) -> str:
    def hz(value: float) -> str:
        return f"{value / 1000:g} kHz" if value >= 1000 else f"{value:g} Hz"

    if band.start_hz <= 20:
        return f"below {hz(band.stop_hz)}"
    return f"above {hz(band.start_hz)}" if band.stop_hz >= 15_000 else f"{hz(band.start_hz)} to {hz(band.stop_hz)}"


def _coded_words(master: Master) -> str:
    if not master.coded:
        return ""
    cost = master.codec_cost
    if cost is None or (cost.ceiling_db <= 0 and cost.dip_db <= 0):
        return "Encoded, decoded and measured: nothing had to be lowered for these."
    taken = []
    if cost.ceiling_db > 0:
        taken.append(f"the limiter's own ceiling is {cost.ceiling_db:.1f} dB lower for that")
    if cost.dip_db > 0:
        taken.append(f"single moments are turned down by {cost.dip_db:.1f} dB at most")
    lost = f"{cost.loudness_lu:.1f} LU of loudness" if cost.loudness_lu >= 0.05 else "no loudness"
    return f"Encoded, decoded and measured: {', '.join(taken)}. It cost {lost}."


def _album_chart(masters: Sequence[Master]) -> Chart | None:
    done = [master.result for master in masters if master.result is not None]
    if len(done) < 2:
        return None
    befores = [result.before.integrated_lufs for result in done]
    afters = [result.after.integrated_lufs for result in done]
    high, low = max(*befores, *afters) + 2, min(*befores, *afters) - 2
    drawn = [
        Curve("before", charts.line(befores, low=low, high=high), "Before"),
        Curve("after", charts.line(afters, low=low, high=high), "After"),
    ]
    last = len(done) - 1
    ticks = [Tick(round(100 * n / last, 3), str(n + 1)) for n in range(len(done))]
    spreads = max(befores) - min(befores), max(afters) - min(afters)
    words = f"Loudness from song to song: {spreads[0]:.1f} LU apart before, {spreads[1]:.1f} after"
    return Chart("Loudness from song to song", words, drawn, ticks, charts.value_ticks(low, high), "LUFS")
