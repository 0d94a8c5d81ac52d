"""Keras, imported before all else: where its backend is not installed, an error that says what to set."""

from importlib.util import find_spec

BACKENDS = ("torch", "jax", "tensorflow")


def missing_backend(chosen: str, installed: list[str]) -> str:
    """What is wrong where the backend that Keras chooses is not installed, and what to do."""
    wrong = (
        f"Keras is to run on {chosen}, which is not installed. It takes tensorflow unless the environment "
        "variable KERAS_BACKEND or its own keras.json names another."
    )
    if not installed:
        return f'{wrong} No backend is installed: pip install "keras-sandwich[torch]" (or jax, tensorflow).'
    return (
        f"{wrong} Installed: {', '.join(installed)}. Before Python starts: "
        f"export KERAS_BACKEND={installed[0]}."
    )


try:
    import keras  # noqa: F401
except ModuleNotFoundError as error:
    if error.name not in BACKENDS:
        raise
    installed = [name for name in BACKENDS if find_spec(name) is not None]
    raise ImportError(missing_backend(error.name, installed)) from error
