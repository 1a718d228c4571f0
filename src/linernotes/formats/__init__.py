"""The outside world's files: what we write for others to read."""

__all__: list[str] = []
