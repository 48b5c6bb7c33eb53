"""The files around `model.py`: what trains it, what describes it, and the spec itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.emit.data_file import data_source
from dslc.emit.header import VERSION, header
from dslc.emit.lifting import lift
from dslc.emit.names import snake_name
from dslc.emit.resolved import spec_files
from dslc.train.sources import packages_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dslc.emit.units import ModuleWriter
    from dslc.ir.types import TensorType
    from dslc.passes.pipeline import Checked

RUNTIME = Path(__file__).parents[1] / "train" / "runtime"
TRAINING = (
    *("checkpoint", "faults", "initial", "progress", "record", "signals"),
    *("trackers", "weights"),
)
"""The runtime modules that every `train.py` imports, as they are."""
BESIDE = re.compile(r"^from dslc[\w.]*\.runtime\.", re.MULTILINE)
"""How runtime modules import each other where they are written."""

NUMPY, SAFETENSORS, SCIKIT = "numpy>=1.26", "safetensors>=0.4", "scikit-learn>=1.4"


def training_files(checked: Checked, train: str, watching: Path) -> dict[str, str | bytes]:
    """`train.py` and the modules beside it; `watching` is the backend's own."""
    assert checked.train is not None
    files: dict[str, str | bytes] = {f"{name}.py": runtime_file(name) for name in TRAINING}
    if "\nfrom page import " in train:
        files["page.py"] = runtime_file("page")
    files |= {"train.py": train, "watching.py": beside(watching)}
    texts = [text for name, text in files.items() if name.endswith(".py") and isinstance(text, str)]
    return {**files, "data.py": data_source(checked.train, texts), **vocabularies(checked)}


def vocabularies(checked: Checked) -> dict[str, bytes]:
    """The vocabularies that the spec gives, so that the project has them with it."""
    assert checked.train is not None
    found: dict[str, bytes] = {}
    folder = Path(checked.source.path).parent
    for change in checked.train.data.changes:
        name, size = change.transform.values.get("file"), change.transform.values.get("size")
        if name is None:
            continue
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise BuildError(f"{name}: no such file beside the spec")
        found[f"{change.columns[0]}.vocabulary.txt"] = content = path.read_bytes()
        if content.count(b"\n") + 2 > size:
            raise BuildError(f"{name}: more tokens than ids below {size}, of which 2 are taken")
    return found


def beside(path: Path) -> str:
    """The text of a runtime module that finds the others beside it."""
    return BESIDE.sub("from ", path.read_text(encoding="utf-8"))


def trained_writer(
    checked: Checked, writer: ModuleWriter, write: Callable[[Checked], ModuleWriter]
) -> ModuleWriter:
    """The module of the model that is trained: another one where training adds to the model.

    Args:
        checked: A spec with a `train` section.
        writer: What `model.py` holds.
        write: Writes the module of a spec.
    """
    lifted = lift(checked).model
    if lifted is checked:
        return writer
    found = write(lifted)
    found.share(writer, "model")
    found.module.doc = header(checked.program, f"{checked.program.name} as training sees it.")
    return found


def has_training_weights(checked: Checked) -> bool:
    """Whether a run's file of weights holds more than the model does."""
    if checked.train is None:
        return False
    return len(checked.train.weights()) > len(checked.weights())


def runtime_file(name: str) -> bytes:
    """A runtime module, as it is."""
    return (RUNTIME / f"{name}.py").read_bytes()


def describing_files(
    checked: Checked, framework: str, requires: Sequence[str], usage: str
) -> dict[str, str | bytes]:
    """`README.md`, `pyproject.toml` and the spec.

    Args:
        checked: The spec.
        framework: What the text calls the framework.
        requires: What the model needs, as in a `pyproject.toml`.
        usage: Python that makes the model with trained weights.
    """
    needed = [*requires, NUMPY, SAFETENSORS]
    if checked.train is not None:
        data = checked.train.data
        names = [change.transform.name for change in data.changes]
        needed += packages_of(data.kind_of_source, names) if data.is_path else [SCIKIT]
    return {
        "README.md": readme(checked, framework, needed, usage),
        "pyproject.toml": pyproject(checked, needed),
        **spec_files(checked),
    }


def pyproject(checked: Checked, needed: Sequence[str]) -> str:
    """`pyproject.toml`: the packages with the ranges that are tested."""
    name = snake_name(checked.program.name).replace("_", "-")
    lines = ["[project]", f'name = "{name}"', 'version = "0.1.0"', 'requires-python = ">=3.11"']
    lines += ["dependencies = [", *(f"    {json.dumps(item)}," for item in needed), "]"]
    return "\n".join(lines) + "\n"


def readme(checked: Checked, framework: str, needed: Sequence[str], usage: str) -> str:
    """`README.md`: what it is, how to run it, what goes in and out."""
    program, instance = checked.program, checked.form.instance
    lines = [f"# {program.name}", ""]
    if program.doc:
        lines += [plain(program.doc), ""]
    spec = plain(Path(program.path).name)
    lines += [f"Written for {framework} by dslc {VERSION} from {spec}. It is yours to edit.", ""]
    packages = " ".join(f'"{item}"' for item in needed)
    lines += ["```", f"pip install {packages}"]
    if checked.train is not None:
        run = checked.train.run
        epochs = "an epoch" if run.epochs == 1 else f"{run.epochs} epochs"
        lines += [f"python train.py            # {epochs}; --help lists the options"]
        lines += ["python train.py --resume   # goes on after a kill"]
    lines += ["```", "", "```python", *usage.strip().splitlines(), "```", ""]
    lines += ["| | name | type |", "| --- | --- | --- |"]
    lines += [row("input", name, type) for name, type in instance.inputs.items()]
    lines += [row("output", name, type) for name, type in instance.outputs.items() if name]
    if checked.constraints:
        facts = ", ".join(f"`{fact}`" for fact in checked.constraints)
        lines += ["", f"Sizes must fulfil: {facts}."]
    if program.values:
        settings = ", ".join(f"`{name} = {value}`" for name, value in program.values.items())
        lines += ["", f"The spec's params: {plain(settings)}."]
    if checked.train is not None:
        lines += ["", RESULTS]
    return "\n".join(lines) + "\n"


RESULTS = (
    "A run writes `metrics.jsonl`, `metrics.csv` and `curves.html`, a page of curves and, where a loss "
    "or a metric compares a prediction with a column, of what is made of held-out rows; checkpoints "
    "that a kill at any moment cannot spoil, `run.json` with what it takes to repeat it, and `weights.safetensors` "
    "with PyTorch's names and layouts, which every framework's project reads. Ctrl-C and SIGTERM "
    "save before they end it. `--track FILE` tells a function of your own of every figure; TensorBoard "
    "gets them where it is installed, below `tensorboard/`."
)


def row(kind: str, name: str, type: TensorType) -> str:
    """One row of the table of inputs and outputs."""
    return f"| {kind} | `{name}` | `{type}` |"


def plain(text: str) -> str:
    """Text of a spec on one line, without what Markdown would take for markup of a page."""
    return " ".join(text.split()).replace("<", "&lt;")
