"""The server: an HTTP API over the journeys, and the doors that pages use too."""

from linernotes.api.app import create_app
from linernotes.api.settings import Settings

__all__ = ["Settings", "create_app"]
