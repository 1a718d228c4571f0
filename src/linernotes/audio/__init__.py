"""The only door for sound: decode, encode, and carry along what is around it.

Conventions
-----------
Samples are float32, shape ``(n, channels)``, full scale ±1; rates in Hz, times in seconds.
"""

from linernotes.audio.decoding import SUFFIXES, AudioInfo, Damage, Limits, Sound, decode, prepare, read
from linernotes.audio.encoding import Writer, encode, write
from linernotes.audio.sleeve import Cue, Picture, Sleeve, read_sleeve

__all__ = [
    "SUFFIXES",
    "AudioInfo",
    "Cue",
    "Damage",
    "Limits",
    "Picture",
    "Sleeve",
    "Sound",
    "Writer",
    "decode",
    "encode",
    "prepare",
    "read",
    "read_sleeve",
    "write",
]
