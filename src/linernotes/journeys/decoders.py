"""The process that decodes, started before it is needed."""

from linernotes import audio

__all__ = ["start_decoders"]


def start_decoders() -> None:
    """Let it get ready beside what is done meanwhile; harmless where it runs already."""
    audio.prepare()
