"""Pages over the journeys: rendered here, a little script of our own, no build step, nothing from the network."""

from linernotes.web.joining import join

__all__ = ["join"]
