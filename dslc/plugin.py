"""Ops of a user's own: what such an op is made of, and how it gets its rules.

An op is a class, as the shipped ones in `dslc.ops` are, and for each backend that it supports a
rule, as those in `backends/dslc_torch/rules` are:

    from dslc.plugin import Elementwise, Number, rule

    class ScaledTanh(Elementwise):
        "`scale * tanh(x)`. Source: LeCun et al. 1998."

        family = "activation"
        scale = Number(1.7159, doc="the factor")

    @rule("torch", ScaledTanh)
    def in_torch(c):
        return f"{c.attribute('scale')} * torch.tanh({c.x})"

An installed package names the module in its entry points, in the group `dslc.ops` under the op's
name; it is imported when a spec uses a name that is no shipped op's. A spec may name a Python file
instead (`ops: [./my_ops.py]`), which runs only where the call says `--allow-plugins`.
"""

from __future__ import annotations

import os
import sys

from dslc.ops.attributes import Attribute, Axis, Boolean, Maybe, Number, Size, Word
from dslc.ops.base import REGISTRY, Check, Input, Op, OpError, Weight
from dslc.ops.bases import Elementwise
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from dslc.source import Source

__all__ = [
    "Attribute",
    "Axis",
    "Boolean",
    "Check",
    "Elementwise",
    "Input",
    "Maybe",
    "Number",
    "Op",
    "OpError",
    "PluginError",
    "Size",
    "Weight",
    "Word",
    "load",
    "rule",
]

GROUP = "dslc.ops"
"""The group of entry points; each has an op's name and leads to the module that declares it."""

RULES: dict[tuple[str, type[Op]], Any] = {}
HELPERS: dict[str, dict[str, str]] = {}
"""Files with helpers by backend, each with the file of the rule that asked for it."""

_FILES: dict[str, tuple[str, str]] = {}
"""The text of each file that was run and the module that it became, by its real path."""


class PluginError(Exception):
    """An op from elsewhere that cannot be had; the message says which, and what to do."""


def rule(backend: str, *ops: type[Op], helpers: str | None = None) -> Callable[[Any], Any]:
    """A decorator that files a function as the rule of ops in a backend.

    Args:
        backend: "torch", "keras", "jax", "onnx", or the name of another installed backend.
        ops: The ops.
        helpers: A Python file with functions and classes that the rule asks for by `c.helper`: they
            are copied into generated modules word for word, and never imported by dslc.

    Raises:
        TypeError: One of them has a rule in that backend already.
    """

    def file(function: Any) -> Any:
        for op in ops:
            if RULES.setdefault((backend, op), function) is not function:
                raise TypeError(f"{backend} has two rules for `{op.name}`")
        if helpers is not None:
            HELPERS.setdefault(backend, {})[os.path.abspath(helpers)] = home(*ops[:1])
        return function

    return file


def home(op: type[Op]) -> str:
    """The file that declares an op."""
    return os.path.abspath(sys.modules[op.__module__].__file__ or op.__module__)


def is_own(op: type[Op]) -> bool:
    """Whether an op is a user's, rather than one that ships."""
    return not op.__module__.startswith("dslc.ops.")


def installed(name: str | None = None) -> None:
    """Imports the op of a name from the installed packages, or every one of theirs.

    Raises:
        PluginError: A package cannot be imported, or does not declare what it says.
    """
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        if point.name in REGISTRY or name not in (None, point.name):
            continue
        owner = "a package" if point.dist is None else f"the package {point.dist.name}"
        try:
            point.load()
        except Exception as error:
            message = f"{owner}, which declares the op `{point.name}`, cannot be imported: "
            raise PluginError(message + told(error)) from error
        if point.name not in REGISTRY:
            raise PluginError(f"{owner} says that {point.value} declares the op `{point.name}`")


def load(path: str) -> None:
    """Runs a Python file that declares ops; a spec may name it then.

    Args:
        path: The file.

    Raises:
        PluginError: It cannot be read or run, or declares no op.
    """
    from dslc.source import SourceError, read_source

    try:
        source = read_source(path)
    except SourceError as error:
        raise PluginError(f"cannot read {path}: {error.reason}") from error
    run(source)


def has_loaded() -> bool:
    """Whether any file was run."""
    return bool(_FILES)


def is_loaded(source: Source) -> bool:
    """Whether this very text was run as the file at its path."""
    return _FILES.get(os.path.realpath(source.path), ("",))[0] == source.text


def run(source: Source) -> None:
    """Runs a file once; see `load`."""
    from types import ModuleType

    place = os.path.realpath(source.path)
    if is_loaded(source):
        return
    if place in _FILES:
        raise PluginError(f"{source.path} has changed since it was run; start anew")
    stem = os.path.basename(place).removesuffix(".py")
    module = ModuleType(f"dslc_own_{stem}_{len(_FILES)}")
    module.__file__ = place
    before = set(REGISTRY)
    sys.modules[module.__name__] = module
    try:
        exec(compile(source.text, place, "exec"), vars(module))  # noqa: S102  the caller allowed it
    except Exception as error:
        for name in REGISTRY.keys() - before:
            del REGISTRY[name]
        del sys.modules[module.__name__]
        raise PluginError(f"{source.path} cannot be run: {told(error, place)}") from error
    _FILES[place] = (source.text, module.__name__)
    if not any(op.__module__ == module.__name__ for op in REGISTRY.values()):
        raise PluginError(f"{source.path} declares no op: a class below `Op` with a `family`")


def helpers_of(source: Source) -> list[str]:
    """The files of helpers that the rules in a file asked for."""
    place = os.path.realpath(source.path)
    files = (found for backend in HELPERS.values() for found in backend.items())
    return [path for path, owner in files if os.path.realpath(owner) == place]


def told(error: Exception, place: str | None = None) -> str:
    """An error in one line, with the line of a file that it came from."""
    line, trace = None, error.__traceback__
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == place else line
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename == place:
        line = error.lineno
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" + (f" (line {line})" if line else "")
