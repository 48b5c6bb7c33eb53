"""Generated source as an imported module, from a file that its content names.

What `dslc build` writes and what `net.torch()` runs is the same text; it is imported from a file,
never executed from a string, so that tracebacks, `inspect` and breakpoints show it.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.files import write_atomic

if TYPE_CHECKING:
    from types import ModuleType

CACHE_VARIABLE = "DSLC_CACHE"


def load_module(source: str, name: str) -> ModuleType:
    """Imports generated source; the same source and name give the same module.

    Args:
        source: The whole text of the module.
        name: The name of its file, an identifier.

    Returns:
        The module, known to `sys.modules` under a name that holds the source's hash.
    """
    digest = hashlib.sha256(source.encode()).hexdigest()[:20]
    full_name = f"dslc_generated_{digest}_{name}"
    known = sys.modules.get(full_name)
    if known is not None:
        return known
    path = cached_file(source, digest, name)
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


def cached_file(source: str, digest: str, name: str) -> Path:
    """The file that holds the source; in a folder of this process where the cache cannot be used."""
    try:
        return _written(cache_folder() / digest / f"{name}.py", source)
    except OSError:
        return _written(Path(tempfile.mkdtemp(prefix="dslc-")) / f"{name}.py", source)


def cache_folder() -> Path:
    """Where generated modules are kept: `DSLC_CACHE`, else the user's cache folder."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dslc" / "modules"


def _written(path: Path, source: str) -> Path:
    """The path with the source in it; whatever else was there is replaced."""
    content = source.encode()
    if path.is_symlink() or not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, content, force=True)
    return path
