"""A master for machines: one JSON object."""

from dataclasses import fields, replace
from pathlib import PurePath
from typing import Any

from linernotes.formats.plain_records import plain
from linernotes.formats.platform_targets import checked
from linernotes.model import Master

__all__ = ["brief", "from_master", "record"]


def from_master(master: Master) -> dict[str, Any]:
    """Return everything that is known of a master as plain values; see docs/mastering.md."""
    result = master.result
    coded = {each.codec: each.true_peak_dbtp for each in master.coded}
    delivery = [
        {"target": each.target.name, "met": each.met, "words": each.words, "source": each.target.source}
        for each in (checked(result.after, coded) if result else ())
    ]
    told = record(master)
    if result:
        told["result"] = {name: each for name, each in told["result"].items() if name not in ("plan", "before")}
    return told | {"delivery": delivery}


def record(master: Master) -> dict[str, Any]:
    """Return a master as plain values that can be restored; what stands in it twice is there once: it may be long."""
    told: dict[str, Any] = plain(replace(master, result=None))
    if (result := master.result) is not None:
        rest = {name: getattr(result, name) for name in (field.name for field in fields(result))}
        twice = {name: told[name] for name in ("plan", "before")}
        told["result"] = {name: twice[name] if name in twice else plain(each) for name, each in rest.items()}
    return told


def brief(master: Master) -> dict[str, Any]:
    """Return what a list tells of a master: levels before and after, and what there is to say of it."""
    result = master.result
    levels = (
        {
            when: {
                "integrated_lufs": round(meters.integrated_lufs, 2),
                "range_lu": round(meters.range_lu, 2),
                "true_peak_dbtp": round(meters.true_peak_dbtp, 2),
            }
            for when, meters in (("before", result.before), ("after", result.after))
        }
        if result
        else {"before": None, "after": None}
    )
    return {
        "file": None if master.out_path is None else PurePath(master.out_path).name,
        "sha256": master.out_sha256 or None,
        "duration_s": round(master.before.duration_s, 3) if master.before else None,
        "bits": master.bits or None,
        "target_lufs": None if master.target_lufs is None else round(master.target_lufs, 2),
        "ceiling_dbtp": master.ceiling_dbtp,
        "coded": {each.codec: round(each.true_peak_dbtp, 2) for each in master.coded},
        **levels,
        "notes": [note.message for note in master.notes],
        "problems": plain(list(master.problems)),
    }
