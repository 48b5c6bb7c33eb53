"""The record of a run: what it takes to repeat it, as `run.json` in its folder.

It has the spec with its params, the options of the call, the versions of what computes, and the git
commit where there is one. A run that is resumed keeps its record and gets a line more.
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NAME = "run.json"


def spec_text(folder: Path) -> str:
    """The spec beside a script and all that it imports, one file after the other."""
    files = [folder / "net.yaml", *sorted(folder.glob("imports/*.yaml"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.is_file())


def record(
    folder: Path,
    facts: Mapping[str, Any],
    options: Mapping[str, Any],
    packages: Sequence[str],
    resumed: int | None = None,
) -> None:
    """Writes `run.json`.

    Args:
        folder: the run's folder; made if need be.
        facts: what the script knows of itself, such as the spec's hash and its params.
        options: what the call says.
        packages: whose versions are kept.
        resumed: the step from which a run goes on.

    Raises:
        OSError: It cannot be written.
    """
    path = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    now = {"at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "versions": versions(packages)}
    found: dict[str, Any] = {} if resumed is None else _read(path)
    if not found:
        called = {name: plain(value) for name, value in options.items()}
        found = {**facts, "options": called, "command": sys.argv, "git": commit(), **now}
        found["platform"] = platform.platform()
    if resumed is not None:
        found["resumed"] = [*found.get("resumed", []), {"step": resumed, **now}]
    temporary = path.with_name(f".{NAME}.tmp")
    temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The versions of Python and of the packages that are there."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> dict[str, Any] | None:
    """The commit of the folder that the program was called in, and whether files have changed."""
    head = _git("rev-parse", "HEAD")
    if not head:
        return None
    return {"commit": head, "changed": bool(_git("status", "--porcelain", "-uno"))}


def plain(value: object) -> object:
    """A value as JSON has it."""
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _git(*arguments: str) -> str | None:
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=5, check=True, env=quiet
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _read(path: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
