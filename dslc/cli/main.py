"""The console script `dslc`: finds a command, loads its file alone, makes a line of what goes wrong.

Status 0: done. 1: the spec (or the comparison) is at fault. 2: the call is at fault. 130 and 141:
cut off by the keyboard or by a reader that went away.
"""

from __future__ import annotations

import os
import sys

COMMANDS = {
    "init": "write a spec to start from",
    "check": "parse, type and shape-check specs",
    "summary": "layers, shapes, parameters, FLOPs",
    "build": "write the generated project of one backend",
    "train": "build a project and train there",
    "eval": "measure a run on held-out rows",
    "predict": "what a run's model gives for a file's rows",
    "export": "write an ONNX file",
    "weights": "put a file's weights at a model's names",
    "verify": "compare the backends on the same weights and inputs",
    "ops": "the ops, or the page of one",
    "explain": "the story of an error code",
    "schema": "the JSON Schema that editors use",
    "zoo": "the specs that ship",
}
"""Every command with its line of help; its file is `dslc/cli/NAME.py` and its function `run`."""

SPEC_AT_FAULT = ("BuildError", "ExportError", "WeightsError")
CALL_AT_FAULT = ("MissingBackendError", "PluginError")
"""Errors of parts that are loaded only when they are needed, by name: their message is for people."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: what stands behind `dslc`; by default the process's own.

    Returns:
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    try:
        status = dispatch(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse: 0 after --help, 2 after a wrong option
        return stop.code if isinstance(stop.code, int) else 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if os.environ.get("DSLC_DEBUG"):
            raise
        return describe_failure(error)
    return status


def dispatch(arguments: list[str]) -> int:
    """Loads and runs the command that the first argument names."""
    word = arguments[0] if arguments else "--help"
    if word in ("-h", "--help", "help"):
        print(overview(), file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    if word == "--version":
        from dslc import __version__

        print(f"dslc {__version__}")
        return 0
    if word not in COMMANDS:
        from dslc.cli.common import UsageError
        from dslc.diagnostics import nearest

        close = nearest(word, COMMANDS)
        meant = f"; did you mean `{close}`?" if close else "; `dslc --help` lists the commands"
        raise UsageError(f"no command is called {word!r}{meant}")
    from importlib import import_module

    return import_module(f"dslc.cli.{word}").run(arguments[1:])


def overview() -> str:
    """The text of `dslc --help`."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {line}" for name, line in COMMANDS.items()]
    head = "usage: dslc COMMAND …\n\nFrom one readable spec to PyTorch, Keras, JAX and ONNX.\n\n"
    tail = "\n\nexample: dslc check net.yaml\n`dslc COMMAND --help` says what a command takes."
    return head + "\n".join(lines) + tail


def describe_failure(error: Exception) -> int:
    """Prints one line for an error and gives its exit status."""
    from dslc.cli.common import SpecFailedError, UsageError
    from dslc.diagnostics import SpecError
    from dslc.source import SourceError

    if isinstance(error, SpecFailedError):
        return 1
    if isinstance(error, SpecError):
        print(error, file=sys.stderr)
        return 1
    if type(error).__name__ in SPEC_AT_FAULT:
        print(f"dslc: {error}", file=sys.stderr)
        return 1
    if isinstance(error, UsageError | SourceError | OSError) or type(error).__name__ in (
        CALL_AT_FAULT
    ):
        print(f"dslc: {error}", file=sys.stderr)
        return 2
    line = " ".join(str(error).split())[:300]
    print(f"dslc: this is a bug in dslc: {type(error).__name__}: {line}", file=sys.stderr)
    print("dslc: with DSLC_DEBUG=1 it shows the traceback that a report needs", file=sys.stderr)
    return 2
