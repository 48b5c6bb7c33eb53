"""Runs every benchmark beside this file, one after the other; each prints one JSON line a result."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """The exit status: 1 if a benchmark missed its bar or broke."""
    here = Path(__file__)
    scripts = [path for path in sorted(here.parent.glob("[a-z]*.py")) if path != here]
    worst = 0
    for script in scripts:
        print(f"# {script.stem}", flush=True)
        worst = max(worst, subprocess.run([sys.executable, str(script)], check=False).returncode)
    return min(worst, 1)


if __name__ == "__main__":
    sys.exit(main())
