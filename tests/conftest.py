"""What every test shares: hypothesis profiles, seeds, and no skipping for a missing tool in CI.

A test that needs an optional tool skips with a reason that begins with `missing:`. That is a
convenience on a developer's machine. Where the environment says `CI=1` everything must be there,
so such a skip is turned into a failure.
"""

import os
import random
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import quick_xla

SEED = 0
quick_xla.hurry()

settings.register_profile("default", deadline=None, derandomize=True, max_examples=60)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=int(os.environ.get("DSLC_EXAMPLES", "3000")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew; read the diff"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compares a text with a golden file, or writes the file under `--update-golden`."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
            return
        assert path.is_file(), f"{path} is missing: run with --update-golden"
        assert text == path.read_bytes().decode("utf-8")

    return compare


def pytest_runtest_setup() -> None:
    """What a test draws is its own: not what earlier tests of the same worker leave over."""
    random.seed(SEED)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(SEED)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(SEED)
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.random.set_seed(SEED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_missing(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_missing(report)
    return report


def refuse_missing(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turns a skip whose reason begins with `missing:` into a failure, in CI only."""
    if os.environ.get("CI", "") in ("", "0", "false") or not report.skipped:
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
    reason = reason.removeprefix("Skipped: ")
    if reason.startswith("missing:"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be missing: {reason}"
