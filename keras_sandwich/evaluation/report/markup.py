"""Text of the user's within HTML."""

import html

from keras_sandwich.evaluation.readable import readable


def escape(text: str) -> str:
    """A text that stays text, whatever characters it has."""
    return html.escape(readable(text))
