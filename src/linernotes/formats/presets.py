"""Presets and profiles of mastering as files: JSON, or TOML written by hand.

Conventions
-----------
The fields are those of :class:`linernotes.model.Preset` and :class:`linernotes.model.Profile`; what is left out has its
default. A preset may name the file of its profile instead of holding it.
"""

import json
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from linernotes.errors import FormatError, ParameterError
from linernotes.formats.plain_records import plain, restored
from linernotes.model import BAND_EDGES_HZ, LEVEL_QUANTILES, THIRD_OCTAVES_HZ, Amounts, Preset, Profile

__all__ = ["AMOUNTS", "amounts_given", "read_preset", "read_profile", "written"]

AMOUNTS = tuple(field.name for field in fields(Amounts))
"""The stages that have an amount."""

_ALL = "all"


def written(record: Preset | Profile) -> str:
    """Write a preset or a profile."""
    return json.dumps(plain(record), indent=1, ensure_ascii=False) + "\n"


def read_preset(text: str, *, where: str, open_profile: Callable[[str], Profile]) -> Preset:
    """Read a preset; ``open_profile`` reads the file of a profile that it names.

    Raises
    ------
    FormatError if it is no preset
    """
    table = dict(_table(text, where))
    if isinstance(named := table.get("profile"), str):
        del table["profile"]
        return replace(_checked(restored(Preset, table, where=where), where), profile=open_profile(named))
    preset = _checked(restored(Preset, table, where=where), where)
    if preset.profile is not None:
        _fitting(preset.profile, where)
    return preset


def read_profile(text: str, *, where: str) -> Profile:
    """Read a profile; FormatError if it is none, or was measured in other bands."""
    return _fitting(restored(Profile, _table(text, where), where=where), where)


def _table(text: str, where: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise FormatError(f"{where}: neither JSON nor TOML ({error})") from None
    if not isinstance(found, dict):
        raise FormatError(f"{where}: a table of fields is expected")
    return found


def _fitting(profile: Profile, where: str) -> Profile:
    wanted = {"mid_db": len(THIRD_OCTAVES_HZ), "side_db": len(THIRD_OCTAVES_HZ)}
    wanted |= {"slow_db": len(BAND_EDGES_HZ) + 1, "fast_db": len(BAND_EDGES_HZ) + 1}
    for name, length in wanted.items():
        if len(getattr(profile, name)) != length:
            raise FormatError(f"{where}: {name} has {len(getattr(profile, name))} values; a profile has {length}")
    rows = [row for row in (*profile.slow_db, *profile.fast_db) if row is not None]
    if any(len(row) != len(LEVEL_QUANTILES) for row in rows):
        raise FormatError(f"{where}: each row of slow_db and fast_db has {len(LEVEL_QUANTILES)} values")
    return profile


def _checked(preset: Preset, where: str) -> Preset:
    bounds = {
        "ceiling_dbtp": (-60.0, 0.0),
        "tone_bound_db": (0.0, 24.0),
        "greatest_reduction_db": (0.0, 30.0),
        "loudness_lufs": (-60.0, 0.0),
    }
    for name, (least, most) in bounds.items():
        value = getattr(preset, name)
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            raise FormatError(f"{where}: {name} is {value:g}; {least:g} to {most:g} can be had")
    for name in AMOUNTS:
        if not 0 <= getattr(preset.amounts, name) <= 100:
            raise FormatError(f"{where}: the amount of {name} is {getattr(preset.amounts, name):g}; 0 to 100 percent")
    return preset


def amounts_given(amounts: Amounts, given: list[str]) -> Amounts:
    """Change amounts as told: ``tone=50``, ``all=0``, in order.

    Raises
    ------
    ParameterError if one is no stage or no percentage
    """
    for text in given:
        stage, _, number = text.partition("=")
        try:
            percent = float(number.removesuffix("%"))
        except ValueError:
            percent = math.nan
        if stage not in (*AMOUNTS, _ALL) or not 0 <= percent <= 100:
            stages = ", ".join((*AMOUNTS, _ALL))
            raise ParameterError(f"--amount {text!r}: write STAGE=PERCENT, of {stages} and 0 to 100")
        amounts = replace(amounts, **dict.fromkeys(AMOUNTS if stage == _ALL else (stage,), percent))
    return amounts
