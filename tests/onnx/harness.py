"""Small specs, random weights and inputs, and the two judges that run what was exported."""

import re
import warnings

import numpy as np
from dslc_onnx import backend

from dslc.diagnostics import Report
from dslc.passes.pipeline import Checked, check_source
from dslc.source import Source

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import onnx
    import onnxruntime
    from onnx.reference import ReferenceEvaluator

TOLERANCE = 5e-6
"""How far a result may be from the judge's, relative to its largest value."""

DTYPES = {
    "f32": np.float32,
    "f64": np.float64,
    "bool": np.bool_,
    "u8": np.uint8,
    **{f"i{bits}": np.dtype(f"int{bits}").type for bits in (8, 16, 32, 64)},
}

Arrays = dict[str, np.ndarray]


def check(text: str) -> Checked:
    """A checked spec; an error in it fails the test with its message."""
    report = Report()
    checked = check_source(Source("net.yaml", text), report)
    assert checked is not None, [item.message for item in report.diagnostics]
    return checked


def spec(inputs: dict[str, str], steps: str, outputs: str = "y", where: str = "") -> Checked:
    """A spec of one model; `outputs` names the steps that are outputs."""
    lines = ["dslc: 1", "name: Net", "inputs:"]
    lines += [f'  {name}: "{type}"' for name, type in inputs.items()]
    lines += [f"where: [{where}]"] if where else []
    lines += ["steps:", *("  " + line for line in steps.strip("\n").splitlines())]
    lines += ["outputs:", *(f"  out_{k}: {name}" for k, name in enumerate(outputs.split()))]
    return check("\n".join(lines) + "\n")


def random_weights(checked: Checked, seed: int = 0) -> Arrays:
    """Every weight at random, so that no initial value hides a mistake; variances are positive."""
    random = np.random.default_rng(seed)
    found: Arrays = {}
    for info in checked.weights():
        if info.tied is not None:
            continue
        values = random.standard_normal(tuple(info.shape)) * 0.5  # pyright: ignore[reportArgumentType]
        if info.own == "running_var":
            values = np.abs(values) + 0.5
        elif info.role == "zeros":
            values = values * 0
        found[info.path] = values.astype(np.float32)
    return found


def random_inputs(checked: Checked, sizes: dict[str, int], ids: int, seed: int = 1) -> Arrays:
    """Inputs of the spec's types: floats, ids below `ids`, and masks that hide some."""
    random = np.random.default_rng(seed)
    found: Arrays = {}
    for name, type in checked.instance.inputs.items():
        shape = [eval(re.sub(r"//", "//", str(dim)), dict(sizes)) for dim in type.shape]
        if type.dtype == "bool":
            values = random.random(shape) < 0.7
            values[..., 0] = True
        elif type.dtype.startswith(("i", "u")):
            values = random.integers(0, ids, shape)
        else:
            values = random.standard_normal(shape)
        found[name] = np.asarray(values, DTYPES[type.dtype])
    return found


def run_onnxruntime(model: bytes, inputs: Arrays) -> Arrays:
    """What onnxruntime says."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    known = {item.name for item in session.get_inputs()}
    given = {name: value for name, value in inputs.items() if name in known}
    return dict(zip(names, session.run(names, given), strict=True))


def run_reference(model: bytes, inputs: Arrays) -> Arrays:
    """What ONNX's reference evaluator says."""
    evaluator = ReferenceEvaluator(onnx.load_from_string(model))
    names = list(evaluator.output_names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(zip(names, evaluator.run(names, inputs), strict=True))


def export(checked: Checked, weights: Arrays, **options: object) -> bytes:
    """The file's bytes, which ONNX's full checker accepts as they are."""
    data = backend.export(checked, weights, **options)
    onnx.checker.check_model(data, full_check=True)
    return data


def nodes_of(data: bytes) -> list[str]:
    """The operators of a model in order."""
    return [node.op_type for node in onnx.load_from_string(data).graph.node]


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference relative to the largest expected value."""
    assert found.shape == expected.shape, (found.shape, expected.shape)
    assert found.dtype == expected.dtype, (found.dtype, expected.dtype)
    if expected.dtype.kind != "f":
        return float(np.any(found != expected))
    scale = max(float(np.abs(expected).max()), 1e-12)
    return float(np.abs(found.astype(np.float64) - expected).max()) / scale
