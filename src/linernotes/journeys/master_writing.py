"""Render one sound and write it: settled for the codecs asked for, dithered, with its tags, covers and cue points."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linernotes import audio
from linernotes.errors import ParameterError
from linernotes.journeys.listening import file_sha256
from linernotes.model import CodecCost, CodedPeak, Master, MasteringPlan, Meters, PlanNote, Preset
from linernotes.render.mastering import Rendering, dithered, draw_plan
from linernotes.render.mastering.coding import Codec, as_decoded, codecs_named, coded_peaks

__all__ = ["Wish", "rendered"]

# Encoders differ from version to version: what holds with ours by so much holds with theirs.
_MARGIN_DB = 0.15
_ROUNDS_MAX = 8
_ROUNDS_AT_LOUDNESS = 4


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
        form = _Form(rendering, plan, info, bits, out)
        coded, cost, notes = form.settled(codecs)
        with audio.Writer(
            target,
            sample_rate_hz=info.sample_rate_hz,
            channels=before.channels,
            bits=bits,
            sleeve=audio.read_sleeve(path),
        ) as writer:
            for block in form.blocks():
                writer.write(block)
        result = rendering.result()
    return replace(
        told,
        out_path=str(target),
        out_sha256=file_sha256(target),
        result=result,
        coded=coded,
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

    def blocks(self) -> Iterator[NDArray[np.float32] | NDArray[np.int32]]:
        """Yield what is written: whole steps, or samples where they are kept exactly as they are."""
        is_exact = self.bits == 32 or (self.plan.is_identity and 0 < self.info.bits <= self.bits)
        if is_exact:
            yield from self.rendering.blocks()
        else:
            yield from dithered(self.rendering.blocks(), bits=self.bits)

    def _decoded(self) -> Iterable[NDArray[np.float32]]:
        for block in self.blocks():
            yield as_decoded(block, self.bits)

    def _peaks(self, codecs: tuple[Codec, ...]) -> list[CodedPeak]:
        return coded_peaks(
            self._decoded(),
            codecs,
            sample_rate_hz=self.plan.sample_rate_hz,
            channels=self.plan.channels,
            folder=self.folder,
        )

    def settled(self, codecs: tuple[Codec, ...]) -> tuple[list[CodedPeak], CodecCost | None, list[PlanNote]]:
        """Lower the limiter's ceiling until the one asked for holds after every codec; say what that cost.

        First the loudness is held; where more limiting no longer helps, the loudness gives way too.
        """
        if not codecs:
            return [], None, []
        coded, asked_dbtp = self._peaks(codecs), self.plan.ceiling_dbtp
        if asked_dbtp is None:
            return coded, None, []
        first, ceiling_dbtp = self.rendering.result(), asked_dbtp
        loudness_lufs = first.after.integrated_lufs
        for nth in range(1, _ROUNDS_MAX + 1):
            excess_db = max(each.true_peak_dbtp for each in coded) - asked_dbtp + _MARGIN_DB
            if excess_db <= 0:
                break
            step_db = excess_db + 0.05
            ceiling_dbtp -= step_db
            if nth <= _ROUNDS_AT_LOUDNESS:
                self.rendering.settle(ceiling_dbtp=ceiling_dbtp)
            else:
                loudness_lufs = min(loudness_lufs, self.rendering.result().after.integrated_lufs) - step_db
                self.rendering.settle(ceiling_dbtp=ceiling_dbtp, loudness_lufs=loudness_lufs)
            coded = self._peaks(codecs)
        last = self.rendering.result()
        cost = CodecCost(
            ceiling_db=asked_dbtp - ceiling_dbtp,
            loudness_lu=first.after.integrated_lufs - last.after.integrated_lufs,
            reduction_db=last.reduction.greatest_db - first.reduction.greatest_db,
        )
        over = [each for each in coded if each.true_peak_dbtp > asked_dbtp]
        notes = [
            PlanNote("coded_peak", f"after {each.codec} the true peak is {each.true_peak_dbtp:.2f} dBTP")
            for each in over
        ]
        return coded, cost, notes
