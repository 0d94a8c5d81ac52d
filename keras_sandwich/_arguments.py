"""Checks of arguments, each with one wording: what was expected, and what was received."""

import math
from numbers import Integral
from typing import Any


def is_integer(value: Any, least: int = 1) -> bool:
    """Whether an argument is an integer, Python's or NumPy's, of at least `least`."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def require_integers(least: int = 1, **arguments: Any) -> None:
    """ValueError unless each of the arguments is an integer of at least `least`."""
    expected = "a positive integer" if least == 1 else f"an integer of at least {least}"
    for name, value in arguments.items():
        if not is_integer(value, least):
            raise ValueError(f"`{name}` must be {expected}. Received {name}={value!r}.")


def require_option(value: Any, options: tuple[Any, ...], name: str) -> None:
    """ValueError unless the value is one of the options."""
    if value not in options:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, options))}. Received {name}={value!r}."
        )


def check_integer(value: Any, name: str, low: int, high: int, meaning: str = "") -> int:
    """The value as an int, or ValueError if it is none of the range."""
    number = _as_number(value)
    if not (number.is_integer() and low <= number <= high):
        raise ValueError(
            f"`{name}` must be an integer from {low} to {high}{meaning}. Received {value!r}."
        )
    return int(number)


def check_number(value: Any, name: str, low: float, high: float, meaning: str = "") -> float:
    """The value as a float, or ValueError if it is out of the range."""
    number = _as_number(value)
    if not low <= number <= high:
        raise ValueError(
            f"`{name}` must be a number from {low:g} to {high:g}{meaning}. Received {value!r}."
        )
    return number


def check_positive(value: Any, name: str) -> float:
    """The value as a float, or ValueError if it is not positive and finite."""
    number = _as_number(value)
    if not 0 < number < math.inf:
        raise ValueError(f"`{name}` must be positive and finite. Received {name}={value!r}.")
    return number


def check_not_negative(value: Any, name: str) -> float:
    """The value as a float, or ValueError if it is negative or not finite."""
    number = _as_number(value)
    if not 0 <= number < math.inf:
        raise ValueError(f"`{name}` must be finite and not negative. Received {name}={value!r}.")
    return number


def _as_number(value: Any) -> float:
    """The value as a float; not a number for what is none, such as None and strings."""
    try:
        return math.nan if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
