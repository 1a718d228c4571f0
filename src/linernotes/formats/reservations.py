"""Reservations: what a file, or one beside it, says against being learned from.

Conventions
-----------
Looked at are the words in a score (copyright, text, rights, fields), ``tdmrep.json`` and ``ai.txt`` in its folder and
those above it, up to three, and ``NAME.EXT.txt``-like notes beside it (``NAME.EXT.rights``). A reservation is found,
not judged: whoever has the right may still say yes to a release, but to us in person, and not by this file.

Source: TDM Reservation Protocol, W3C Community Group report, 2024 (``tdm-reservation``); Directive (EU) 2019/790,
article 4(3), on machine-readable reservations; CAWG training-mining assertion 1.1 (``notAllowed``).
"""

import json
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from linernotes.model.scores import Score

__all__ = ["reservations"]

_FOLDERS_UP, _BYTES_MAX = 3, 1 << 20
_LEARN = r"(ai|a\.i\.|artificial intelligence|machine learning|generative|tdm|(text[- ]and[- ])?data[- ]mining)"
_NO = r"(not (allowed|permitted)|notallowed|forbidden|prohibited|disallowed|reserved|opt(ed)?[- ]?out)"
_AGAINST = re.compile(
    rf"\b(no|not|never|without|forbidden|prohibited|opt(ed)?[- ]?out|don't)\b.{{0,40}}\b{_LEARN}\b"
    rf"|\b{_LEARN}\b.{{0,60}}\b{_NO}\b"
    r"|\bnoai\b|\bnoimageai\b|\btdm[-_ ]?reservation\W{0,5}1\b|\bdo not train\b",
    re.IGNORECASE | re.DOTALL,
)


def reservations(path: Path, score: Score) -> list[str]:
    """Say where a score is reserved against training, a line each; none where it is not."""
    found = [f"{name}: {text[:160]}" for name, text in score.remarks if _AGAINST.search(f"{name} {text}")]
    return [*found, *_beside(path)]


def _beside(path: Path) -> Iterator[str]:
    note = path.with_name(path.name + ".rights")
    if (text := _read(note)) and _AGAINST.search(text):
        yield f"{note.name}: {text.strip()[:160]}"
    for folder in list(path.resolve().parents)[:_FOLDERS_UP]:
        inside = path.resolve().relative_to(folder).as_posix()
        if (text := _read(folder / "tdmrep.json")) and _is_reserved(text, inside):
            yield f"{folder.name}/tdmrep.json reserves {inside}"
        if (text := _read(folder / "ai.txt")) and _is_disallowed(text.splitlines(), inside):
            yield f"{folder.name}/ai.txt disallows {inside}"


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_BYTES_MAX).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _is_reserved(text: str, inside: str) -> bool:
    """Tell whether the first rule of a ``tdmrep.json`` that speaks of a file reserves it; one that is broken does."""
    try:
        rules = json.loads(text)
    except ValueError:
        return True
    for rule in rules if isinstance(rules, list) else [rules]:
        if isinstance(rule, dict) and _matches(inside, str(rule.get("location", "/"))):
            return str(rule.get("tdm-reservation", 0)) == "1"
    return False


def _is_disallowed(lines: Iterable[str], inside: str) -> bool:
    """Follow ``Allow`` and ``Disallow``; the longest place that matches decides."""
    best = (-1, False)
    for line in lines:
        name, _, place = (part.strip() for part in line.split("#")[0].partition(":"))
        if name.lower() in ("allow", "disallow") and place and _matches(inside, place):
            best = max(best, (len(place), name.lower() == "disallow"))
    return best[1]


def _matches(inside: str, place: str) -> bool:
    pattern = place.lstrip("/") or "*"
    return fnmatchcase(inside, pattern) or fnmatchcase(inside, pattern.rstrip("/") + "/*")
