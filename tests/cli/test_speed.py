"""A cold check stays within its budget: 2.5 times an interpreter with argparse, yaml, dataclasses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_cold_check_is_within_its_budget() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "check.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert found["resnet50"]["ratio"] < 2.5
    assert found["repeat_1000"]["ratio"] < 2.5
