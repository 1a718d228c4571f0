"""Grounds: which rights a use touches, and who holds them on a given day, from what the catalogue says.

Conventions
-----------
A copy touches the recording (``master``) and the work in it (``mechanical``: to reproduce it). A version, a
melody, lyrics touch the work. A voice and an imitation touch the performer. Training touches what was learned from.
Holders are those with a share of that right on that day; where nobody has stated shares, those whose role makes them
holders, with a part that is not known.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from linernotes.model import AiDisclosure, Contribution, ReferenceEntry, RightType, Role, Share, UseType
from linernotes.rights import territories

__all__ = ["Grounds", "grounds"]

_OF_RECORDING = ((Role.LABEL,), (Role.PERFORMER, Role.HEIR), (Role.PRODUCER,))
_OF_WORK = ((Role.WRITER, Role.ARRANGER, Role.PUBLISHER, Role.HEIR),)
_OF_PERFORMANCE = ((Role.PERFORMER, Role.HEIR),)


@dataclass(frozen=True, slots=True)
class Grounds:
    """One right in one subject: who holds how much, since when it is registered, whether a machine made it.

    ``holders``: the exact part of each in the world, None where it is not stated. ``claimed``: what the stated parts
    add to where they add to most. ``default_ids``: whose default counts where a holder has no rule.
    """

    subject_id: str
    right_type: RightType
    holders: Mapping[str, Fraction | None]
    claimed: Fraction = Fraction(0)
    default_ids: Sequence[str] = ()
    registered_at: datetime | None = None
    contains_ai: AiDisclosure | None = None


def grounds(use_type: UseType, known: ReferenceEntry, *, on: date) -> list[Grounds]:
    """List the rights that a use touches; one that nobody holds is left out."""
    found = []
    if known.recording is not None and use_type is UseType.RECORDING:
        found.append(_of_recording(known, RightType.MASTER, on=on))
    if known.work is not None and use_type in (UseType.RECORDING, UseType.VERSION, UseType.MELODY, UseType.LYRICS):
        found.append(_of_work(known, RightType.MECHANICAL, on=on))
    if use_type is UseType.TRAINING:
        if known.recording is not None:
            found.append(_of_recording(known, RightType.TRAINING, on=on))
        if known.work is not None:
            found.append(_of_work(known, RightType.TRAINING, on=on))
    if use_type in (UseType.VOICE, UseType.SOUNDALIKE):
        found.append(_of_voice(known, on=on))
    return [each for each in found if each is not None and each.holders]


def _of_recording(known: ReferenceEntry, right_type: RightType, *, on: date) -> Grounds | None:
    recording = known.recording
    if recording is None:
        return None
    holders, claimed = _holders(known, recording.id, (right_type, RightType.MASTER), _OF_RECORDING, on=on)
    return Grounds(
        recording.id,
        right_type,
        holders,
        claimed,
        default_ids=_with_role(known.contributions, recording.id, (Role.LABEL,)),
        registered_at=known.registered_at.get(recording.id),
        contains_ai=recording.contains_ai,
    )


def _of_work(known: ReferenceEntry, right_type: RightType, *, on: date) -> Grounds | None:
    work = known.work
    if work is None:
        return None
    rights = (right_type, RightType.MECHANICAL, RightType.PERFORMANCE, RightType.SYNCHRONISATION)
    holders, claimed = _holders(known, work.id, rights, _OF_WORK, on=on)
    return Grounds(
        work.id,
        right_type,
        holders,
        claimed,
        default_ids=_with_role(known.contributions, work.id, (Role.PUBLISHER,)),
        registered_at=known.registered_at.get(work.id),
        contains_ai=_most_ai(known.contributions, work.id),
    )


def _of_voice(known: ReferenceEntry, *, on: date) -> Grounds | None:
    """Take a voice by itself, or the voices that sing on a recording."""
    voice, recording = known.voice, known.recording
    if voice is not None:
        holders, claimed = _holders(known, voice.id, (RightType.VOICE,), (), on=on)
        return Grounds(
            voice.id,
            RightType.VOICE,
            holders or {voice.party_id: Fraction(1)},
            claimed,
            default_ids=known.label_ids,
            registered_at=known.registered_at.get(voice.id),
        )
    if recording is None:
        return None
    holders, claimed = _holders(known, recording.id, (RightType.VOICE,), _OF_PERFORMANCE, on=on)
    return Grounds(
        recording.id,
        RightType.VOICE,
        holders,
        claimed,
        default_ids=_with_role(known.contributions, recording.id, (Role.LABEL,)),
        registered_at=known.registered_at.get(recording.id),
        contains_ai=recording.contains_ai,
    )


def _holders(
    known: ReferenceEntry,
    subject_id: str,
    rights: Sequence[RightType],
    roles: Iterable[Collection[Role]],
    *,
    on: date,
) -> tuple[dict[str, Fraction | None], Fraction]:
    """Find who holds the first of these rights that anybody has a share of, else who has the first of these roles."""
    for right_type in rights:
        held = [s for s in known.shares if (s.subject_id, s.right_type) == (subject_id, right_type) and _valid(s, on)]
        if held:
            parts: dict[str, Fraction | None] = {share.party_id: None for share in held}
            for share in held:
                if territories.covers(share.territory, territories.WORLD):
                    parts[share.party_id] = (parts[share.party_id] or Fraction(0)) + share.fraction
            return parts, _most_claimed(held)
    for group in roles:
        if having := _with_role(known.contributions, subject_id, group):
            return dict.fromkeys(having), Fraction(0)
    return {}, Fraction(0)


def _most_claimed(held: Sequence[Share]) -> Fraction:
    """Add the shares country by country; return the greatest sum."""
    if len({share.territory for share in held}) == 1:
        return sum((share.fraction for share in held), Fraction(0))
    inside = [(territories.countries(share.territory), share.fraction) for share in held]
    everywhere = frozenset[str]().union(*(countries for countries, _ in inside))
    return max(sum((part for area, part in inside if country in area), Fraction(0)) for country in everywhere)


def _valid(share: Share, on: date) -> bool:
    begun = share.valid_from is None or share.valid_from <= on
    return begun and (share.valid_to is None or on < share.valid_to)


def _with_role(contributions: Iterable[Contribution], subject_id: str, roles: Collection[Role]) -> list[str]:
    return sorted({c.party_id for c in contributions if c.subject_id == subject_id and c.role in roles})


def _most_ai(contributions: Iterable[Contribution], subject_id: str) -> AiDisclosure | None:
    declared = {c.contains_ai for c in contributions if c.subject_id == subject_id}
    return next((each for each in reversed(AiDisclosure) if each in declared), None)
