"""Render one sound and write it: settled for the codecs asked for, dithered, with its tags, covers and cue points."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linernotes import audio
from linernotes.errors import ParameterError
from linernotes.journeys.listening import file_sha256
from linernotes.model import CodecCost, CodedPeak, Master, MasteringPlan, MasteringResult, Meters, PlanNote, Preset
from linernotes.render.mastering import Rendering, dithered, draw_plan, measure
from linernotes.render.mastering.coding import Codec, Coded, Dips, as_decoded, codecs_named, coded

__all__ = ["Wish", "rendered"]

# Encoders differ from version to version: what holds with ours by so much holds with theirs.
_MARGIN_DB = 0.3
_ROUNDS_MAX = 12
_ROUNDS_OF_CEILING = 4
_FEW_PER_S = 2.0  # moments over the ceiling, of all codecs together


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one sound; ``bits`` and ``container`` None: as the input has them."""

    preset: Preset
    codecs: tuple[str, ...] = ()
    bits: int | None = None
    container: str | None = None
    dry_run: bool = False


def rendered(path: Path, info: audio.AudioInfo, before: Meters, wish: Wish, *, out: Path, name: str) -> Master:
    """Master the file into ``out`` as ``name``; with ``dry_run`` only the plan is drawn.

    Raises
    ------
    ParameterError if the container cannot hold the bits, or the master would replace its own input
    """
    plan = draw_plan(before, wish.preset)
    container = wish.container or ("flac" if info.codec == "flac" else "wav")
    bits = wish.bits or _bits(info, container)
    told = Master(
        path=str(path),
        bits=bits,
        codec=container,
        target_lufs=plan.loudness_lufs,
        ceiling_dbtp=plan.ceiling_dbtp,
        before=before,
        plan=plan,
        notes=plan.notes,
    )
    codecs = codecs_named(wish.codecs)
    if wish.dry_run:
        return told
    target = out / f"{name}.{container}"
    if target.exists() and target.samefile(path):
        raise ParameterError(f"{path}: the master would replace its own input; name another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    with Rendering(lambda: audio.decode(path), plan, before=before, folder=out) as rendering:
        dips = Dips(sample_rate_hz=plan.sample_rate_hz, n_frames=before.n_frames)
        form = _Form(rendering, plan, info, bits, out, dips)
        peaks, cost, notes = form.settled(codecs)
        with audio.Writer(
            target,
            sample_rate_hz=info.sample_rate_hz,
            channels=before.channels,
            bits=bits,
            sleeve=audio.read_sleeve(path),
        ) as writer:
            for block in form.blocks():
                writer.write(block)
        result = form.result()
    return replace(
        told,
        out_path=str(target),
        out_sha256=file_sha256(target),
        result=result,
        coded=peaks,
        codec_cost=cost,
        notes=(*told.notes, *notes),
    )


def _bits(info: audio.AudioInfo, container: str) -> int:
    """Keep the bits of a sample; what a lossy file held needs 24 not to lose more, and FLAC has no floating point."""
    kept = {8: 16, 16: 16, 24: 24, 32: 32}.get(info.bits, 24)
    return min(kept, 24) if container == "flac" else kept


@dataclass(frozen=True, slots=True)
class _Form:
    """A rendering in the form in which it is delivered."""

    rendering: Rendering
    plan: MasteringPlan
    info: audio.AudioInfo
    bits: int
    folder: Path
    dips: Dips

    def blocks(self) -> Iterator[NDArray[np.float32] | NDArray[np.int32]]:
        """Yield what is written: whole steps, or samples where they are kept exactly as they are."""
        sound = self.dips.applied(self.rendering.blocks())
        if self.bits == 32 or (self.plan.is_identity and 0 < self.info.bits <= self.bits):
            yield from sound
        else:
            yield from dithered(sound, bits=self.bits)

    def decoded(self) -> Iterator[NDArray[np.float32]]:
        """Yield what a reader of the file gets."""
        for block in self.blocks():
            yield as_decoded(block, self.bits)

    def result(self) -> MasteringResult:
        """Tell what was done; measured again where more was done than the rendering knows."""
        result = self.rendering.result()
        if self.dips.deepest_db == 0:
            return result
        return replace(result, after=measure(self.decoded(), sample_rate_hz=self.plan.sample_rate_hz))

    def settled(self, codecs: tuple[Codec, ...]) -> tuple[list[CodedPeak], CodecCost | None, list[PlanNote]]:
        """Lower what is over after a codec until the ceiling holds after each of them; say what that cost.

        The limiter's ceiling comes down until only a few moments are over; those are turned down each by itself.
        """
        asked_dbtp = self.plan.ceiling_dbtp
        if not codecs or asked_dbtp is None:
            return _peaks(self._coded(codecs, 0.0)) if codecs else [], None, []
        first, ceiling_dbtp = self.rendering.result(), asked_dbtp
        for nth in range(1, _ROUNDS_MAX + 1):
            heard = self._coded(codecs, asked_dbtp - _MARGIN_DB)
            excess_db = np.sort(np.concatenate([each.over_db for each in heard]))[::-1]
            if not len(excess_db) or nth == _ROUNDS_MAX:
                break
            n_few = max(1, round(_FEW_PER_S * self.dips.n_frames / self.plan.sample_rate_hz))
            if len(excess_db) > n_few and nth <= _ROUNDS_OF_CEILING:
                ceiling_dbtp -= float(excess_db[n_few])
                self.rendering.settle(ceiling_dbtp=ceiling_dbtp)
            else:
                self.dips.deepen(heard, more_db=0.05 * nth)
        last = self.result()
        cost = CodecCost(
            ceiling_db=asked_dbtp - ceiling_dbtp,
            loudness_lu=first.after.integrated_lufs - last.after.integrated_lufs,
            reduction_db=last.reduction.greatest_db - first.reduction.greatest_db,
            dip_db=self.dips.deepest_db,
        )
        peaks = _peaks(heard)
        return peaks, cost, [_over(each) for each in peaks if each.true_peak_dbtp > asked_dbtp]

    def _coded(self, codecs: tuple[Codec, ...], limit_dbtp: float) -> list[Coded]:
        return coded(
            self.decoded(),
            codecs,
            sample_rate_hz=self.plan.sample_rate_hz,
            channels=self.plan.channels,
            limit_dbtp=limit_dbtp,
            folder=self.folder,
        )


def _peaks(heard: Iterable[Coded]) -> list[CodedPeak]:
    return [CodedPeak(each.codec, each.true_peak_dbtp) for each in heard]


def _over(peak: CodedPeak) -> PlanNote:
    return PlanNote("coded_peak", f"after {peak.codec} the true peak is {peak.true_peak_dbtp:.2f} dBTP")
