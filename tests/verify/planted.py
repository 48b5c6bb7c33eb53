"""Backends with a fault in what they generate."""

from collections.abc import Callable
from typing import Any

import pytest

Edit = Callable[[str], str]


class Planted:
    """A backend whose generated source is edited before it is imported.

    Only its own models are: the reference, also when it is of the same backend, stays as it is.
    """

    def __init__(self, backend: Any, edit: Edit, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = backend.name
        self.backend = backend
        self.edit = edit
        self.monkeypatch = monkeypatch

    def driver(self, checked: Any, **options: Any) -> Any:
        """A driver of the edited model."""
        from dslc.emit import loading

        load_module = loading.load_module

        def load_edited(source: str, name: str) -> Any:
            return load_module(self.edit(source), name)

        with self.monkeypatch.context() as patch:
            patch.setattr(loading, "load_module", load_edited)
            for holder in HOLDERS[self.name]:
                patch.setattr(holder, load_edited)
            return self.backend.driver(checked, **options)


HOLDERS = {
    "torch": ["dslc_torch.driver.load_module"],
    "keras": ["dslc_keras.project.load_module"],
    "jax": [],
}
"""Where each backend has its own name for the function that imports generated source."""


def replace_once(find: str, put: str) -> Edit:
    """An edit that must find its place."""

    def edit(source: str) -> str:
        assert find in source, f"nothing to edit: {find!r} is not in\n{source}"
        return source.replace(find, put)

    return edit
