"""A master for machines: one JSON object."""

from typing import Any

from linernotes.formats.plain_records import plain
from linernotes.formats.platform_targets import checked
from linernotes.model import Master

__all__ = ["from_master"]


def from_master(master: Master) -> dict[str, Any]:
    """Return everything that is known of a master as plain values; see docs/mastering.md."""
    result = master.result
    coded = {each.codec: each.true_peak_dbtp for each in master.coded}
    delivery = [
        {"target": each.target.name, "met": each.met, "words": each.words, "source": each.target.source}
        for each in (checked(result.after, coded) if result else ())
    ]
    told: dict[str, Any] = plain(master)
    if result:
        told["result"] = {name: each for name, each in told["result"].items() if name not in ("plan", "before")}
    return told | {"delivery": delivery}
