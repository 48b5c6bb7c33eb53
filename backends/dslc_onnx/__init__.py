"""The ONNX backend: the IR lowered straight to a model file, no framework imported.

`dslc_onnx.backend` is what the entry point names. `onnx_ir` is imported when something is exported,
not here, so that listing the backends costs nothing.
"""

from dslc_onnx.backend import OnnxBackend
from dslc_onnx.errors import ExportError

__all__ = ["ExportError", "OnnxBackend", "backend"]

backend = OnnxBackend()
