"""Runs model.onnx with onnxruntime on inputs from .npz or .npy files.

@origin@

    python run.py inputs.npz -o outputs.npz
    python run.py image=image.npy mask=mask.npy -o outputs.npz
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime

DTYPES = {
    "tensor(bool)": np.bool_,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}


def main() -> int:
    """Reads the inputs, runs the model, and writes the outputs."""
    parser = argparse.ArgumentParser(description="Runs the model on inputs from files.")
    parser.add_argument("inputs", nargs="+", metavar="FILE", help="a .npz, or NAME=FILE.npy")
    parser.add_argument("-o", "--output", default="outputs.npz", metavar="FILE")
    parser.add_argument("--model", default=Path(__file__).with_name("model.onnx"), metavar="FILE")
    arguments = parser.parse_args()
    try:
        session = load(Path(arguments.model))
        outputs = run(session, read(arguments.inputs, session))
    except (OSError, ValueError) as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    np.savez(arguments.output, allow_pickle=False, **outputs)
    for name, array in outputs.items():
        print(f"{name}: {array.dtype}{list(array.shape)}")
    return 0


def load(path: Path) -> onnxruntime.InferenceSession:
    """A session; the model goes in as bytes, so that it can refer to no other file."""
    return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


def read(files: list[str], session: onnxruntime.InferenceSession) -> dict[str, np.ndarray]:
    """The inputs by name; never a pickled object."""
    found: dict[str, np.ndarray] = {}
    for file in files:
        name, _, path = file.rpartition("=")
        if path.endswith(".npz"):
            with np.load(path, allow_pickle=False) as archive:
                found.update({key: archive[key] for key in archive.files})
        else:
            name = name or session.get_inputs()[0].name
            found[name] = np.load(path, allow_pickle=False)
    return found


def run(
    session: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The outputs by name."""
    wanted = {item.name: item for item in session.get_inputs()}
    if wanted.keys() != inputs.keys():
        raise ValueError(f"the model takes {', '.join(wanted)}, and {', '.join(inputs)} are given")
    given = {}
    for name, item in wanted.items():
        array = inputs[name]
        if array.ndim != len(item.shape):
            raise ValueError(f"{name} has the shape {list(array.shape)}, not {item.shape}")
        given[name] = array.astype(DTYPES[item.type], copy=False)
    names = [item.name for item in session.get_outputs()]
    arrays = [np.asarray(array) for array in session.run(names, given)]
    return dict(zip(names, arrays, strict=True))


if __name__ == "__main__":
    sys.exit(main())
