"""Options by name."""


def require_option(value: str, options: tuple[str, ...], name: str) -> None:
    """ValueError unless the value is one of the options."""
    if value not in options:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, options))}. Received {name}={value!r}."
        )
