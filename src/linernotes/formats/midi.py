"""Standard MIDI files, in and out.

Conventions
-----------
Each track and channel is a part; channel 10 is drums. The first key and time signature hold; a first time signature of
less than a bar of the second is a pickup. A note that never ends lasts until its track does. Files of SMPTE time are
refused.

Source: Standard MIDI Files 1.0, MIDI Manufacturers Association, 1996.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from linernotes.errors import FormatError
from linernotes.model.scores import TICKS_PER_QUARTER, Key, Metre, Mode, Note, Score

__all__ = ["read_midi", "write_midi"]

_NOTES_MAX = 200_000
_DRUM_CHANNEL = 9
_TEXTS = {1: "text", 2: "copyright", 3: "title", 5: "lyrics"}
_DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
_SHARP_TONICS = {Mode.MAJOR: 0, Mode.MINOR: 9}

Events = list[tuple[int, bytes]]


@dataclass(slots=True)
class _Heard:
    """What the tracks of a file said so far; ticks are the file's own."""

    notes: dict[tuple[int, int], list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    metres: list[tuple[int, Metre]] = field(default_factory=list)
    keys: list[tuple[int, Key]] = field(default_factory=list)
    tempi: list[tuple[int, float]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)


def read_midi(data: bytes, *, where: str) -> Score:
    """Read a MIDI file of type 0 or 1; FormatError says what is wrong in ``where``."""
    if data[:4] != b"MThd" or len(data) < 14:
        raise FormatError(f"{where}: not a MIDI file", code="midi")
    kind, _, division = struct.unpack(">HHH", data[8:14])
    if kind > 1 or division & 0x8000 or division == 0:
        raise FormatError(
            f"{where}: MIDI of type {kind} and division {division}: only beats, types 0 and 1", code="midi"
        )
    heard = _Heard()
    for number, track in enumerate(_chunks(data, 8 + struct.unpack(">I", data[4:8])[0], where)):
        _hear(number, track, heard, where)
    if not any(heard.notes.values()):
        raise FormatError(f"{where}: a MIDI file without notes", code="midi")
    return _score(heard, TICKS_PER_QUARTER / division, where)


def _chunks(data: bytes, place: int, where: str) -> Iterator[bytes]:
    while place + 8 <= len(data):
        name, length = data[place : place + 4], struct.unpack(">I", data[place + 4 : place + 8])[0]
        place += 8
        if place + length > len(data):
            raise FormatError(f"{where}: cut off, {place + length - len(data)} bytes are missing", code="midi")
        if name == b"MTrk":
            yield data[place : place + length]
        place += length


def _hear(number: int, track: bytes, heard: _Heard, where: str) -> None:
    """Follow one track, event by event."""
    place = ticks = status = 0
    open_notes: dict[tuple[int, int], list[int]] = defaultdict(list)
    try:
        while place < len(track):
            delta, place = _variable(track, place)
            ticks += delta
            if track[place] & 0x80:
                status = track[place]
                place += 1
            if status == 0xFF:
                kind = track[place]
                length, place = _variable(track, place + 1)
                _meta(kind, track[place : place + length], ticks, heard)
                place += length
            elif status in (0xF0, 0xF7):
                length, place = _variable(track, place)
                place += length
            else:
                size = _DATA_BYTES[status >> 4]
                pitch, velocity = track[place], track[place + size - 1]
                place += size
                span = _note(status >> 4, velocity, ticks, open_notes[status & 0xF, pitch])
                if span:
                    heard.notes[number, status & 0xF].append((*span, pitch))
            if sum(map(len, heard.notes.values())) > _NOTES_MAX:
                raise FormatError(f"{where}: more than {_NOTES_MAX} notes", code="midi")
    except (IndexError, KeyError):
        raise FormatError(f"{where}: track {number + 1} is damaged at byte {place}", code="midi") from None
    for (channel, pitch), starts in open_notes.items():
        heard.notes[number, channel] += [(start, ticks, pitch) for start in starts if ticks > start]


def _note(kind: int, velocity: int, ticks: int, starts: list[int]) -> tuple[int, int] | None:
    """Begin a note of one pitch, or end the one that began first: then return when it sounds."""
    if kind == 0x9 and velocity:
        starts.append(ticks)
    elif kind in (0x8, 0x9) and starts:
        start = starts.pop(0)
        return (start, ticks) if ticks > start else None
    return None


def _meta(kind: int, body: bytes, ticks: int, heard: _Heard) -> None:
    if kind in _TEXTS:
        heard.texts.append((_TEXTS[kind], body.decode("utf-8", errors="replace").strip()))
    elif kind == 0x51 and len(body) == 3 and any(body):
        heard.tempi.append((ticks, 60e6 / int.from_bytes(body, "big")))
    elif kind == 0x58 and len(body) >= 2 and body[0] and body[1] <= 6:
        heard.metres.append((ticks, Metre(body[0], 2 ** body[1])))
    elif kind == 0x59 and len(body) == 2:
        sharps = int.from_bytes(body[:1], "big", signed=True)
        if abs(sharps) <= 7:
            mode = Mode.MINOR if body[1] else Mode.MAJOR
            heard.keys.append((ticks, Key((sharps * 7 + _SHARP_TONICS[mode]) % 12, mode)))


def _variable(track: bytes, place: int) -> tuple[int, int]:
    """Read a number of 7 bits a byte; return it and the place after it."""
    value = 0
    for _ in range(4):
        byte = track[place]
        place += 1
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    return value, place


def _score(heard: _Heard, scale: float, where: str) -> Score:
    metres = sorted(heard.metres, key=lambda pair: pair[0])
    pickup = 0
    metre = metres[0][1] if metres else None
    if len(metres) > 1 and 0 < metres[1][0] * scale < metres[1][1].bar_ticks:
        pickup, metre = round(metres[1][0] * scale), metres[1][1]
    parts = [part for part in sorted(heard.notes) if heard.notes[part] and part[1] != _DRUM_CHANNEL]
    drums = [part for part in sorted(heard.notes) if part[1] == _DRUM_CHANNEL]
    titles = [text for name, text in heard.texts if name == "title" and text]
    return Score(
        title=titles[0] if titles else where.rsplit("/", 1)[-1],
        notes=tuple(note for number, part in enumerate(parts) for note in _notes(heard.notes[part], scale, number)),
        key=min(heard.keys, key=lambda pair: pair[0])[1] if heard.keys else None,
        metre=metre,
        drums=tuple(note for part in drums for note in _notes(heard.notes[part], scale, 0)),
        pickup_ticks=pickup,
        tempo_bpm=heard.tempi[0][1] if heard.tempi else 120.0,
        remarks=tuple(heard.texts),
    )


def _notes(spans: Sequence[tuple[int, int, int]], scale: float, part: int) -> list[Note]:
    return [
        Note(round(start * scale), max(1, round(stop * scale) - round(start * scale)), pitch, part)
        for start, stop, pitch in sorted(spans)
    ]


# ── writing ──────────────────────────────────────────────────────────────────


def write_midi(score: Score) -> bytes:
    """Write a score as a MIDI file of type 1: a track of tempo, key, metre and remarks, then each part, then drums.

    Chord symbols are a part of block chords after the others.
    """
    parts: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for note in score.notes:
        parts[note.part].append((note.start_ticks, note.stop_ticks, note.pitch))
    chords = [(note.start_ticks, note.stop_ticks, note.pitch) for note in score.block_chords()]
    tracks = [_head(score)]
    channels = [channel for channel in range(16) if channel != _DRUM_CHANNEL]
    for number, part in enumerate(sorted(parts)):
        tracks.append(_track(parts[part], channels[number % len(channels)], 90))
    if chords:
        tracks.append(_track(chords, channels[len(parts) % len(channels)], 60))
    if score.drums:
        hits = [(note.start_ticks, note.stop_ticks, note.pitch) for note in score.drums]
        tracks.append(_track(hits, _DRUM_CHANNEL, 80))
    header = b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), TICKS_PER_QUARTER)
    return header + b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)


def _head(score: Score) -> bytes:
    events: Events = [(0, _event(3, score.title.encode()))]
    events += [
        (0, _event(2 if name == "copyright" else 1, text.encode())) for name, text in score.remarks if name != "title"
    ]
    events.append((0, _event(0x51, round(60e6 / score.tempo_bpm).to_bytes(3, "big"))))
    if score.key:
        minor = score.key.mode in (Mode.MINOR, Mode.DORIAN)
        events.append((0, _event(0x59, struct.pack(">bB", score.key.fifths, minor))))
    if score.pickup_ticks:
        events.append((0, _signature(Metre(max(1, score.pickup_ticks * 8 // TICKS_PER_QUARTER), 32))))
    if score.metre:
        events.append((score.pickup_ticks, _signature(score.metre)))
    return _packed(events)


def _signature(metre: Metre) -> bytes:
    return _event(0x58, bytes((metre.beats, metre.unit.bit_length() - 1, 24, 8)))


def _event(kind: int, body: bytes) -> bytes:
    return bytes((0xFF, kind)) + _number(len(body)) + body


def _track(spans: Sequence[tuple[int, int, int]], channel: int, velocity: int) -> bytes:
    # At one tick the ends come first, or a repeated note would end itself.
    ends: Events = [(stop, bytes((0x80 | channel, pitch, 0))) for _, stop, pitch in spans]
    starts: Events = [(start, bytes((0x90 | channel, pitch, velocity))) for start, _, pitch in spans]
    return _packed(sorted(ends + starts, key=lambda event: (event[0], event[1][0] & 0xF0)))


def _packed(events: Events) -> bytes:
    packed, before = b"", 0
    for ticks, body in events:
        packed += _number(ticks - before) + body
        before = ticks
    return packed + b"\x00" + _event(0x2F, b"")


def _number(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))
