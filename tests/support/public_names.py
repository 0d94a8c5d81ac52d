"""Everything that a user may import: what the rooms of the package list in `__all__`.

python tests/public_names.py > tests/public_surface.txt
"""

import importlib
import inspect
import pkgutil
from typing import Any

import keras_sandwich

PACKAGE = keras_sandwich.__name__


def rooms() -> list[str]:
    """The names of the public subpackages and modules on the ground floor."""
    return sorted(
        f"{PACKAGE}.{module.name}"
        for module in pkgutil.iter_modules(keras_sandwich.__path__)
        if not module.name.startswith("_")
    )


def public_objects() -> dict[str, Any]:
    """Dotted name → object, for every function, class and constant of every room."""
    return {
        f"{room}.{name}": getattr(module, name)
        for room in rooms()
        for module in [importlib.import_module(room)]
        for name in module.__all__
    }


def public_surface() -> list[str]:
    return sorted({*rooms(), *public_objects()})


def public_docstrings() -> dict[str, str]:
    """Dotted name → docstring: the package, its rooms, functions, classes, public methods."""
    documented: dict[str, Any] = {
        name: importlib.import_module(name) for name in [PACKAGE, *rooms()]
    }
    for name, item in public_objects().items():
        if inspect.isclass(item) or inspect.isfunction(item):
            documented[name] = item
        if inspect.isclass(item):
            documented |= {
                f"{name}.{method}": value
                for method, value in vars(item).items()
                if not method.startswith("_")
                and (callable(value) or isinstance(value, property | classmethod | staticmethod))
                and value.__doc__
            }
    # Not inspect.getdoc: it would answer with what a base class of Keras says.
    return {name: inspect.cleandoc(item.__doc__ or "") for name, item in documented.items()}


if __name__ == "__main__":
    print(*public_surface(), sep="\n")
