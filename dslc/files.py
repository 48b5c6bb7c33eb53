"""Writing files so that a kill, a full disk or a hand edit costs nothing.

Every output of dslc goes through here. A file is written beside its place, flushed to disk and
renamed, so that its name always leads to a whole file: the old one or the new one. A folder of
generated files also holds a manifest with the hash of each; a file whose hash is another was edited
by hand, or is not ours, and is not replaced unless that is forced.
"""

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

MANIFEST: Final = ".dslc.json"

_MARK: Final = ".dslc-"
_ENDING: Final = ".tmp"


class OutputError(OSError):
    """An output cannot be written, with a message for whoever asked for it."""

    def __init__(self, message: str) -> None:
        """Takes the message: what is in the way, and what to do about it."""
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        """The message."""
        return self.message


def write_atomic(
    path: str | Path, data: bytes | str | Sequence[bytes | memoryview], *, force: bool
) -> None:
    """Writes one file whole or not at all.

    Args:
        path: Where; its folder is made where it is missing.
        data: The content, or its pieces in order; text is written as UTF-8.
        force: Replace a file that exists with other content.

    Raises:
        OutputError: Something is in the way, or the disk refuses.
    """
    whole = data.encode() if isinstance(data, str) else data
    write_together({path: (whole,) if isinstance(whole, bytes) else whole}, force=force)


def write_together(
    files: Mapping[str | Path, Sequence[bytes | memoryview]], *, force: bool
) -> None:
    """Writes files in order, each whole or not at all, and none where one is in the way.

    Args:
        files: The pieces of each file by its path.
        force: Replace files that exist with other content.

    Raises:
        OutputError: Something is in the way, or the disk refuses.
    """
    for path, pieces in files.items():
        if _present(Path(path), *pieces) and not force:
            raise OutputError(f"{path} exists; --force replaces it")
    for path, pieces in files.items():
        _replace(Path(path), *pieces)


def write_tree(folder: str | Path, files: Mapping[str, bytes | str], *, force: bool) -> None:
    """Writes generated files into a folder, with a manifest of their hashes.

    Nothing is written unless everything may be: a file that was edited by hand since it was
    generated, or that dslc did not write, stops the whole call.

    Args:
        folder: The folder; it is made where it is missing.
        files: Content by path below the folder, with `/`.
        force: Replace such files too.

    Raises:
        OutputError: Something is in the way, or the disk refuses.
    """
    folder = Path(folder)
    _refuse_link(folder)
    known = _read_manifest(folder)
    contents = {
        name: data.encode() if isinstance(data, str) else data
        for name, data in sorted(files.items())
    }
    kept = [name for name in contents if _is_kept(folder, name, contents[name], known)]
    if kept and not force:
        raise OutputError(
            f"{', '.join(str(folder / name) for name in kept)}: edited by hand, or not written "
            "by dslc; --force replaces it"
        )
    for name, content in contents.items():
        _replace(folder / name, content)
    known.update({name: _hash(content) for name, content in contents.items()})
    text = json.dumps({"version": 1, "files": known}, indent=2, sort_keys=True) + "\n"
    _replace(folder / MANIFEST, text.encode())


def _is_kept(folder: Path, name: str, content: bytes, known: Mapping[str, str]) -> bool:
    """Whether a present file differs from what dslc wrote and from what it would write."""
    path = _below(folder, name)
    return _present(path, content) and _hash(path.read_bytes()) != known.get(name)


def _below(folder: Path, name: str) -> Path:
    """The path of a generated file, which must not leave the folder."""
    parts = name.split("/")
    if name == MANIFEST or "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise OutputError(f"{name!r} is no name for a generated file")
    current = folder
    for part in parts[:-1]:
        current = current / part
        _refuse_link(current)
    return folder / name


def _present(path: Path, *pieces: bytes | memoryview) -> bool:
    """Whether a regular file with other content is there; anything else there is refused."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _error(path, error) from error
    if stat.S_ISLNK(status.st_mode):
        raise OutputError(f"{path} is a symbolic link; dslc writes through none")
    if not stat.S_ISREG(status.st_mode):
        raise OutputError(f"{path} exists and is no regular file")
    try:
        if status.st_size != sum(map(len, pieces)):
            return True
        with path.open("rb") as file:
            return any(file.read(len(piece)) != piece for piece in pieces)
    except OSError as error:
        raise _error(path, error) from error


def _refuse_link(folder: Path) -> None:
    if folder.is_symlink():
        raise OutputError(f"{folder} is a symbolic link; dslc writes through none")


def _replace(path: Path, *pieces: bytes | memoryview) -> None:
    """Puts a whole file in place of whatever regular file is there."""
    if path.is_symlink():
        raise OutputError(f"{path} is a symbolic link; dslc writes through none")
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        handle, temporary = tempfile.mkstemp(_ENDING, f"{_MARK}{path.name}-", path.parent)
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fchmod(handle, _mode(path))
            os.fsync(handle)
        Path(temporary).replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise _error(path, error) from error


def _sweep(path: Path) -> None:
    """Removes what a killed writer of the same file left behind."""
    for leftover in path.parent.glob(f"{_MARK}*{_ENDING}"):
        if leftover.name.startswith(f"{_MARK}{path.name}-"):
            leftover.unlink(missing_ok=True)


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, else those that a new file gets."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _flush_folder(folder: Path) -> None:
    """Makes a rename last through a power cut, where the system can flush folders."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _read_manifest(folder: Path) -> dict[str, str]:
    """Hashes by path; none where there is no manifest, or one that dslc cannot read."""
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        return {}
    try:
        data: Any = json.loads(path.read_bytes())
        files = cast("dict[str, Any]", data["files"])
        return {name: digest for name, digest in files.items() if isinstance(digest, str)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path}: {error.strerror or error}")
