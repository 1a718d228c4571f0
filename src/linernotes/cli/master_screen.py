"""What a person sees of masters in a terminal."""

from rich.console import Console
from rich.text import Text

from linernotes.cli.problems import print_problems
from linernotes.formats.wording import printable
from linernotes.model import BandPlan, Master

__all__ = ["print_master"]

_console = Console(highlight=False)


def print_master(master: Master) -> None:
    """Print what was done to a sound, or would be, in a few lines."""
    print_problems(master.problems)
    if master.before is None or master.plan is None:
        return
    _console.print(Text.assemble(f"  {printable(master.path)}", _written(master)), soft_wrap=True)
    _console.print(Text(f"      {_done(master) if master.result else _planned(master)}", "dim"), soft_wrap=True)
    for note in master.notes:
        _console.print(Text.assemble(("      ! ", "yellow"), printable(note.message)), soft_wrap=True)


def _written(master: Master) -> Text:
    if master.out_path is None:
        return Text("")
    made = f" {printable(master.out_path)}{'  as before' if master.kept else ''}"
    return Text.assemble(("  →", "dim"), made)


def _done(master: Master) -> str:
    assert master.result is not None
    before, after, reduction = master.result.before, master.result.after, master.result.reduction
    parts = [
        f"{before.integrated_lufs:.1f} → {after.integrated_lufs:.1f} LUFS",
        f"{before.true_peak_dbtp:.1f} → {after.true_peak_dbtp:.1f} dBTP",
        f"limiter {reduction.greatest_db:.1f} dB at most, {reduction.mean_db:.2f} dB on average",
        f"{master.bits} bit {master.codec}",
    ]
    if master.result.shortfall_lu > 0.05:
        parts.append(f"{master.result.shortfall_lu:.1f} LU short of the target")
    if master.coded:
        worst = max(master.coded, key=lambda each: each.true_peak_dbtp)
        parts.append(f"{worst.true_peak_dbtp:.1f} dBTP after {worst.codec}")
    if master.codec_cost is not None and master.codec_cost.ceiling_db > 0:
        parts.append(f"codecs cost {master.codec_cost.ceiling_db:.1f} dB of ceiling")
    return " · ".join(parts)


def _planned(master: Master) -> str:
    assert master.plan is not None
    assert master.before is not None
    plan, before = master.plan, master.before
    if plan.is_identity:
        return "unchanged"
    tone = (*plan.tone_mid_db, *plan.tone_side_db)
    parts = [f"{before.integrated_lufs:.1f} LUFS, {before.true_peak_dbtp:.1f} dBTP"]
    if any(tone):
        parts.append(f"tone {min(tone):+.1f} to {max(tone):+.1f} dB")
    if plan.bands:
        gains = [gain for band in plan.bands for gain in _gains(band)]
        parts.append(f"dynamics {min(gains):+.1f} to {max(gains):+.1f} dB in {len(plan.bands)} bands")
    if plan.width_db:
        parts.append(f"width {plan.width_db:+.1f} dB")
    if plan.loudness_lufs is not None:
        parts.append(f"to {plan.loudness_lufs:.1f} LUFS ({plan.gain_db:+.1f} dB)")
    if plan.ceiling_dbtp is not None:
        parts.append(f"under {plan.ceiling_dbtp:.1f} dBTP")
    return " · ".join(parts)


def _gains(band: BandPlan) -> tuple[float, ...]:
    return (*band.slow_gain_db, *band.fast_gain_db, 0.0)
