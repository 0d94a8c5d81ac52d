"""The page that restores coded files in a browser."""

from keras_sandwich.web.site import write_site

__all__ = ["write_site"]
