"""What a server is told when it starts."""

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of a server; those of an upload are for the whole request, and an album may be ``album_uploads`` of them.

    ``host_names`` are those it answers to, empty: to any; ``is_secure`` says that browsers reach it by https.
    Rates are by account, or by address where nobody is signed in. ``keep_days``: how long the sound of an upload is
    kept after its work is over. ``open_jobs_max`` is by account.
    """

    host_names: tuple[str, ...] = ()
    is_secure: bool = False
    session_length: timedelta = timedelta(hours=12)
    upload_bytes_max: int = 512 * 2**20
    upload_time_s: float = 600.0
    album_uploads: int = 8
    body_bytes_max: int = 2**20
    body_time_s: float = 20.0
    requests_per_s: float = 50.0
    requests_burst: int = 200
    sign_ins_per_minute: float = 6.0
    keep_days: float = 30.0
    open_jobs_max: int = 10_000
    event_streams_max: int = 50

    @property
    def album_bytes_max(self) -> int:
        """The most that the songs of an album may be together."""
        return self.album_uploads * self.upload_bytes_max

    @property
    def album_time_s(self) -> float:
        """How long they may take to come in."""
        return self.album_uploads * self.upload_time_s
