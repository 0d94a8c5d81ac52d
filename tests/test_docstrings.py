"""Every public name is documented, and the examples run."""

import re
import textwrap

import pytest
from public_names import public_docstrings

DOCSTRINGS = public_docstrings()


def examples(docstring: str) -> list[str]:
    """The ```python blocks of a docstring."""
    blocks = re.findall(r"^( *)```python\n(.*?)^\1```", docstring, flags=re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(code) for _, code in blocks]


EXAMPLES = [
    pytest.param(code, id=f"{name}-{number}")
    for name, docstring in DOCSTRINGS.items()
    for number, code in enumerate(examples(docstring))
]


def test_examples_are_found():
    docstring = "One line.\n\nExample:\n    ```python\n    if True:\n        x = 1\n    ```\n"
    assert examples(docstring) == ["if True:\n    x = 1\n"]
    assert examples("```python\na = 1\n```\ntext\n```python\nb = 2\n```") == ["a = 1\n", "b = 2\n"]
    assert EXAMPLES


@pytest.mark.once
@pytest.mark.parametrize("name", DOCSTRINGS)
def test_public_name_is_documented(name):
    assert DOCSTRINGS[name], f"{name} has no docstring"


@pytest.mark.once  # what a name does on each backend is for its own tests
@pytest.mark.parametrize("code", EXAMPLES)
def test_example_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        exec(compile(code, "<docstring>", "exec"), {"__name__": "example"})
    except ImportError as error:
        if "keras-sandwich[" not in str(error):
            raise
        pytest.skip(str(error))  # an extra that is not installed
