"""The commands of `keras-sandwich`, a module each: train, evaluate, encode, decode, info."""

__all__: list[str] = []
