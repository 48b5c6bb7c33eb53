"""The table of networks from papers: see the top of `papers.yaml`."""

from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ZOO = HERE.parents[1] / "specs" / "zoo"
PAPERS: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "papers.yaml").read_text("utf-8"))


def path_of(name: str) -> Path:
    """Where a network's spec is."""
    here = HERE / "papers" / f"{name}.yaml"
    return here if here.exists() else ZOO / f"{name}.yaml"
