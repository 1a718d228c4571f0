"""From what a sound measures and what it should measure to what each stage does."""

from collections.abc import Sequence

from linernotes.model import MasteringPlan, Meters, Preset, Profile

__all__ = ["draw_plan", "profile_of"]


def profile_of(references: Sequence[Meters], *, name: str) -> Profile:
    """Average what references measure; silent ones do not count. InputError if none is left."""
    raise NotImplementedError


def draw_plan(before: Meters, preset: Preset) -> MasteringPlan:
    """Say what each stage will do to a sound that measures ``before``. ParameterError for impossible wishes.

    For an album, give each song its own ``loudness_lufs``.
    """
    raise NotImplementedError
