"""Every test here runs in the worker that starts TensorFlow, or skips where it is not installed."""

from pathlib import Path

import pytest

from tests.numeric.frameworks import backend_named

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.keras)
            item.add_marker(pytest.mark.xdist_group("keras"))


@pytest.fixture(autouse=True, scope="session")
def keras_backend():
    """The backend, with TensorFlow started."""
    return backend_named("keras")
