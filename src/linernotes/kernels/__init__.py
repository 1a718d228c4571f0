"""Arrays in, arrays out: no files, no clock, no hidden randomness, nothing else of ours."""

__all__: list[str] = []
