"""What stops an export."""

from __future__ import annotations

from dslc.emit.backend import BuildError


class ExportError(BuildError):
    """Something in a checked spec, or in the weights given for it, has no ONNX form."""
