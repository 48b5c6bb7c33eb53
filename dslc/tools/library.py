"""The specs that ship: the zoo's networks and the templates to start from."""

from __future__ import annotations

from pathlib import Path


def specs_folder() -> Path:
    """Where the specs lie: inside the package once it is installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def zoo() -> dict[str, Path]:
    """The zoo's specs by name, in alphabetical order."""
    return _specs(specs_folder() / "zoo")


def templates() -> dict[str, Path]:
    """The templates by name, in alphabetical order."""
    return _specs(Path(__file__).parents[1] / "cli" / "templates")


def doc_of(path: Path) -> str:
    """A spec's `doc`, read from its line without checking the spec."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("doc:"):
            return line.removeprefix("doc:").strip().strip("\"'")
    return ""


def _specs(folder: Path) -> dict[str, Path]:
    """The specs of a folder by name."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
