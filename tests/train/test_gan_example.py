"""The GAN of the examples, in small: it trains, and what it makes can be shown."""

import subprocess
import sys
from pathlib import Path

from dslc.passes.pipeline import check_file
from dslc.tools.backends import find_backend
from tests.train.projects import environment, run

FOLDER = Path(__file__).parents[2] / "examples" / "gan"


def test_it_trains_and_its_samples_are_shown(tmp_path: Path) -> None:
    checked = check_file(str(FOLDER / "net.yaml"))
    for file, content in find_backend("torch").project(checked).items():
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / file).write_bytes(raw)
    done = run(tmp_path, "--epochs", "1")
    assert done.returncode == 0, done.stderr
    command = [sys.executable, str(FOLDER / "sample.py"), str(tmp_path)]
    shown = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment()
    ).stdout.splitlines()
    assert len(shown) == 3 * 9
    assert {len(line) for line in shown} == {0, 4 * 16 + 3 * 3}
    assert len(set(shown)) > 20
