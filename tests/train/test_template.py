"""Flags are decided, names replaced, comments kept with their statements."""

import ast
from pathlib import Path

import pytest

from dslc.emit.python import Module, to_source
from dslc.emit.template import Template

TEXT = '''"""A template."""

import math

from dslc.train.runtime.data import load
from dslc_jax.runtime.portable import to_portable

FAST = True
LOUD = False


class Machine(Base):
    """Runs Things; a Thing."""

    def run(self, thing: Thing, *, times: int = 2) -> int:
        """Runs."""
        # first of all
        start = 0  # from nothing  # noqa: X
        if FAST and not LOUD:
            start = math.floor(
                thing.size  # of it
            )
        elif LOUD:
            print(thing)
        else:
            start = 1

        for _ in range(times):
            if start > 3:
                break
        with open("x") as file:
            file.read()
        return start

    if LOUD:

        def shout(self) -> None:
            """Shouts."""
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "template.py"
    file.write_text(TEXT)
    return file


def source(path: Path, *, fast: bool, loud: bool) -> str:
    template = Template(path, {"FAST": fast, "LOUD": loud}, {"Thing": "Gadget"})
    return to_source(Module("", [template.definition("Machine")]))


def test_the_branch_that_holds_takes_the_place_of_the_if(path: Path) -> None:
    text = source(path, fast=True, loud=False)
    assert "math.floor(thing.size)" in text.replace("\n", "").replace(" " * 16, "").replace(
        " " * 12, ""
    )
    assert "print" not in text
    assert "start = 1" not in text
    assert "def shout" not in text
    assert "FAST" not in text


def test_other_flags_take_other_branches(path: Path) -> None:
    assert "start = 1" in source(path, fast=False, loud=False)
    assert "print(thing)" in source(path, fast=False, loud=True)
    assert "def shout" in source(path, fast=True, loud=True)


def test_conditions_on_values_stay(path: Path) -> None:
    assert "if start > 3:\n                break" in source(path, fast=True, loud=False)


def test_comments_stay_and_those_for_tools_go(path: Path) -> None:
    text = source(path, fast=True, loud=False)
    assert "        # first of all\n        start = 0  # from nothing" in text
    assert "noqa" not in text


def test_names_are_replaced_as_words(path: Path) -> None:
    text = source(path, fast=True, loud=False)
    assert "thing: Gadget" in text
    assert "Runs Things; a Gadget." in text


def test_imports_of_copied_modules_are_those_beside(path: Path) -> None:
    found = Template(path, {}).imports()
    assert found == ["import math", "from data import load", "from portable import to_portable"]


def test_what_comes_out_is_python(path: Path) -> None:
    ast.parse(source(path, fast=True, loud=True))


def test_an_unknown_name_raises(path: Path) -> None:
    with pytest.raises(KeyError, match="defines no Other"):
        Template(path, {}).definition("Other")
