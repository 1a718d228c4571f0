"""Sound out: a small band that makes up its own songs and the desk that mixes it (``band``), and ``mastering``."""

__all__: list[str] = []
