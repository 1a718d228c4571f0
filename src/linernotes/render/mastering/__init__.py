"""Mastering: measure, plan, render; every step streams, so memory does not grow with length.

::

    before = measure(open_blocks(), sample_rate_hz=48000)
    plan = draw_plan(before, Preset(loudness_lufs=-14.0, profile=profile_of([measure(reference…)], name="mine")))
    with Rendering(open_blocks, plan, before=before) as rendering:
        for block in dithered(rendering.blocks(), bits=16, seed=0):
            …                                   # encode it
        result = rendering.result()             # meters after, gain, reduction, shortfall
        rendering.settle(ceiling_dbtp=-1.7)     # lower, where a codec needs it: only the limiter runs again
"""

from linernotes.render.mastering.dither import dithered
from linernotes.render.mastering.measuring import measure
from linernotes.render.mastering.planning import draw_plan, profile_of
from linernotes.render.mastering.rendering import Rendering
from linernotes.render.mastering.scratch import Scratch

__all__ = ["Rendering", "Scratch", "dithered", "draw_plan", "measure", "profile_of"]
