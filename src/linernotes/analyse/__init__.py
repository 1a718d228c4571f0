"""What is in this sound? One analyser per file, with the same verbs: ``extract`` and ``match``."""

__all__: list[str] = []
