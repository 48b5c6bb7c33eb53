"""What the commands share: their parsers, `--set` and `--limit`, reading and reporting a spec."""

from __future__ import annotations

import argparse
import os
import sys

from dslc.diagnostics import Report
from dslc.limits import DEFAULT_LIMITS
from dslc.loader import FolderLoader
from dslc.source import Source, read_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.diagnostics import Diagnostic
    from dslc.limits import Limits
    from dslc.passes.pipeline import Checked
    from dslc.syntax.tree import Node


class UsageError(Exception):
    """The call is at fault: the message says what to write instead. Exit status 2."""


class SpecFailedError(Exception):
    """The spec is at fault, and that has been printed. Exit status 1."""


def command_parser(name: str, description: str, example: str) -> argparse.ArgumentParser:
    """A command's parser; its help ends on an example."""
    return argparse.ArgumentParser(
        prog=f"dslc {name}",
        description=description,
        epilog=f"example: {example}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )


def add_spec_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that reads a spec."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a param's value, in YAML; may be repeated",
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another limit, such as steps=200000; may be repeated",
    )
    parser.add_argument(
        "--allow-plugins",
        action="store_true",
        help="run the Python files that a spec names in `ops`",
    )


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """The option of commands that take one of several models."""
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="one of several models; by default the spec's `main`, or all",
    )


def picked(checked: Checked, options: argparse.Namespace) -> Checked:
    """The model that `--model` names, else the spec's main one, else the whole spec."""
    if options.model is None:
        return checked.chosen
    names = checked.program.models
    if options.model not in names:
        raise UsageError(f"--model {options.model}: the models are {', '.join(names)}")
    return checked.of(options.model)


def split_pair(option: str, text: str) -> tuple[str, str]:
    """`name=value` as two texts."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{option} takes name=value, not {text!r}")
    return name, value


def limits_of(options: argparse.Namespace) -> Limits:
    """The limits in force."""
    limits = DEFAULT_LIMITS
    for text in options.limit:
        name, value = split_pair("--limit", text)
        try:
            limits = limits.override(name, value)
        except ValueError as error:
            raise UsageError(f"--limit {text}: {error}") from None
    return limits


def overrides_of(options: argparse.Namespace, sources: dict[str, Source]) -> dict[str, Node]:
    """What `--set` gives, as nodes by param; their texts are put into `sources`."""
    from dslc.syntax.reader import read

    found: dict[str, Node] = {}
    for text in options.set:
        name, value = split_pair("--set", text)
        source = Source(f"--set {name}", value)
        sources[source.path] = source
        report = Report()
        node = read(source, report)
        if node is None or not report.ok:
            problem = report.diagnostics[0].message if report.diagnostics else "no value"
            raise UsageError(f"--set {text}: {problem}")
        found[name] = node
    return found


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help at a fixed width: to ask the terminal for its own, argparse imports half of `shutil`."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=96)


class Call:
    """One call that reads specs: its limits, overrides, and the texts that messages quote.

    `facts` and `checked` are those of the spec that was checked last.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.sources: dict[str, Source] = {}
        self.facts: tuple[str, ...] = ()
        self.checked: Checked | None = None
        self.limits = limits_of(options)
        self.allow_plugins: bool = options.allow_plugins
        self.overrides = overrides_of(options, self.sources) if options.set else {}

    def check(
        self, path: str, root: str | None = None
    ) -> tuple[Checked | None, tuple[Diagnostic, ...]]:
        """Checks one spec; gives it (None where it is wrong) and what was found.

        Args:
            path: The file.
            root: The folder that no import may leave; by default the file's own.

        Raises:
            SourceError: the file cannot be read.
            UsageError: `--set` names no param.
        """
        from dslc.diagnostics import SpecError
        from dslc.passes.pipeline import check_source

        report = Report()
        self.facts, self.checked = (), None
        try:
            source = read_source(path, self.limits)
        except SpecError as error:
            return None, error.diagnostics
        self.sources[source.path] = source
        loader = FolderLoader(source, self.limits, root, allow_plugins=self.allow_plugins)
        checked = check_source(source, report, self.overrides, self.limits, loader)
        self.sources |= {item.path: item for item in loader.sources.values()}
        self.facts, self.checked = report.facts, checked
        found = report.diagnostics
        for item in found:
            if item.code == "E0707":
                raise UsageError(item.message + (f"; {item.help}" if item.help else ""))
        return checked, found

    def load(self, path: str) -> Checked:
        """Checks one spec and prints what was found.

        Raises:
            SpecFailedError: the spec is wrong, and the errors have been printed.
        """
        checked, found = self.check(path)
        self.show(found)
        if checked is None:
            raise SpecFailedError
        return checked

    def show(self, found: Sequence[Diagnostic]) -> None:
        """Prints diagnostics for people to standard error."""
        if found:
            from dslc.diagnostics import render_human

            text = render_human(found, self.sources, use_color(sys.stderr))
            print(text, end="", file=sys.stderr)


def use_color(stream: object) -> bool:
    """Whether a stream is a terminal that takes colours."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    is_terminal = getattr(stream, "isatty", None)
    return bool(is_terminal and is_terminal())
