"""The formatter as a judge: one run for many snippets."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MARK = "print()\n"


def ruff(*arguments: str, source: str) -> str:
    """Runs ruff on a source and returns its output."""
    command = [str(Path(sys.executable).with_name("ruff")), *arguments]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def formatted(source: str) -> str:
    """The source as the formatter leaves it."""
    options = ("--isolated", "--line-length", "100", "--target-version", "py311")
    return ruff("format", *options, "--stdin-filename", "x.py", "-", source=source)


def all_formatted(snippets: Sequence[str]) -> list[str]:
    """Each snippet as the formatter leaves it, all in one run."""
    whole = formatted("".join(f"{MARK}{snippet}\n" for snippet in snippets))
    return [part.strip("\n") for part in whole.split(MARK)[1:]]
