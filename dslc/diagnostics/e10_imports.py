"""E10xx: imports. Each `bad` and `good` is a whole spec in a file `net.yaml`."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.examples import IMAGE, steps


def importing(line: str, step: str = "res.Bottleneck: {planes: 8}", more: str = "") -> str:
    """A spec with one import and one step that may use it."""
    return steps(f"- {step}", IMAGE, head=f"imports:\n  {line}\n{more}")


_GOOD = importing("res: zoo:resnet50")

ENTRIES: dict[str, Entry] = {
    "E1001": Entry(
        "an import that is neither a path nor `zoo:name`",
        "An import is a path that begins at the file with it (`./blocks.yaml`, `../blocks.yaml`), "
        "or `zoo:` and the name of a spec that ships. Nothing is fetched from anywhere.",
        importing("res: hub:resnet50"),
        _GOOD,
    ),
    "E1002": Entry(
        "an imported spec that cannot be read",
        "There is no such file, or it is a folder, a pipe or a device, or larger than the limit "
        "(`--limit file_bytes=…`). A spec that is given as text belongs to no folder; it imports "
        "only specs that ship.",
        importing("res: ./resnet50.yml"),
        _GOOD,
    ),
    "E1003": Entry(
        "an import that leaves the project's folder",
        "A spec reads nothing outside the folder of the spec that the command names (where a "
        "folder is checked, outside that folder), not through a symbolic link either. So a spec "
        "from elsewhere cannot look around.",
        importing("res: ../../blocks.yaml"),
        _GOOD,
    ),
    "E1004": Entry(
        "files import each other without end",
        "Imports lead from a file to others and never back.",
        importing("res: ./net.yaml"),
        _GOOD,
    ),
    "E1005": Entry(
        "nothing is imported under this name",
        "A name with a dot, in a step or an expression, begins with a name from `imports`.",
        importing("res: zoo:resnet50", "rse.Bottleneck: {planes: 8}"),
        _GOOD,
    ),
    "E1006": Entry(
        "an imported spec has no block or param of this name",
        "Blocks are imported as `res.Bottleneck`, params as `res.classes`. What the imported file "
        "imports itself is not handed on.",
        importing("res: zoo:resnet50", "res.Botleneck: {planes: 8}"),
        _GOOD,
    ),
    "E1007": Entry(
        "the name of an import is in snake_case",
        "It stands before the dot: `res.Bottleneck`.",
        importing("Res: zoo:resnet50", "relu"),
        _GOOD,
    ),
    "E1008": Entry(
        "an imported param without a value",
        "In an expression, `res.width` is the value that the param has in its file. One that is "
        "required there has none; a call that sets it does not change that.",
    ),
    "E1009": Entry(
        "an index hides a param of an imported file",
        "A block of an imported file hands the file's params on to the blocks that it calls, by "
        "their names. Around such a call no index may have the name of a param that the block "
        "also reads elsewhere.",
    ),
    "E1010": Entry(
        "an imported model that would have several sets of weights",
        "A model has one set of weights wherever it runs; blocks have one for each step that calls "
        "them. So all calls of a model of another spec stand in one model or block of which there is "
        "one, and give it the same params.",
        importing("res: zoo:resnet50", "res.ResNet50:\n- res.ResNet50: {classes: 9}\n  from: x"),
        importing("res: zoo:resnet50", "res.ResNet50:\n- res.ResNet50:\n  from: x"),
    ),
    "E1011": Entry(
        "a file of ops that may not run",
        "`ops` names Python files with ops of your own. Python can do anything, and it runs as soon "
        "as the spec is checked, so a file runs only where the call says `--allow-plugins`; from "
        "Python, `dslc.plugin.load(path)` before the spec is read says the same. An installed "
        "package needs neither: it names its ops in its entry points.",
        steps("- relu", IMAGE, head="ops: [./my_ops.py]\n"),
        steps("- relu", IMAGE),
    ),
    "E1012": Entry(
        "a file of ops that cannot be used",
        "The path of such a file begins at the spec that names it (`./my_ops.py`). It cannot be "
        "read, raised an error as it ran, or declares no op: a class below `dslc.plugin.Op` with a `family`.",
    ),
}
