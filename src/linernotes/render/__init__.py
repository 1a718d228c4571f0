"""Sound out: instruments, a small band that makes up its own songs, and the desk that mixes it."""

from linernotes.render.band import Song, compose, perform
from linernotes.render.styles import STYLES, Style
from linernotes.render.synth import Envelope, Instrument, Note, render
from linernotes.render.voices import Fm, Kit, Strike, String, Tone

__all__ = [
    "STYLES",
    "Envelope",
    "Fm",
    "Instrument",
    "Kit",
    "Note",
    "Song",
    "Strike",
    "String",
    "Style",
    "Tone",
    "compose",
    "perform",
    "render",
]
