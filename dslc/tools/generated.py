"""Importing generated source: the same text that `dslc build` writes, as a module.

The files lie in a cache under a name made from their content, so that tracebacks, `inspect` and
pickling find their source, and so that the same spec is the same module everywhere. Nothing is ever
executed from a string.
"""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType


def import_generated(files: Mapping[str, str | bytes], name: str = "model.py") -> ModuleType:
    """Imports one file of a generated project.

    Args:
        files: the project by path, as a backend's `project` gives it.
        name: the file to import; its `.py` files are cached beside it.

    Returns:
        The module, the same object for the same content.
    """
    from dslc.files import write_tree

    sources = {path: text for path, text in files.items() if path.endswith(".py")}
    digest = hashlib.sha256()
    for path, text in sorted(sources.items()):
        data = text.encode() if isinstance(text, str) else text
        digest.update(f"{path}\n{len(data)}\n".encode() + data)
    key = digest.hexdigest()[:32]
    full_name = f"dslc_generated_{key}_{name.removesuffix('.py')}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    folder = cache_folder() / key
    write_tree(folder, sources, force=True)
    return _import(full_name, folder / name)


def cache_folder() -> Path:
    """Where generated modules lie: `DSLC_CACHE`, else the user's cache folder."""
    given = os.environ.get("DSLC_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(given) if given else Path(base) / "dslc"


def _import(full_name: str, path: Path) -> ModuleType:
    """A module from a file, known to `sys.modules` as long as its import succeeds."""
    spec = spec_from_file_location(full_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[full_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full_name]
        raise
    return module
