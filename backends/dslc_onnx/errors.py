"""What stops an export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError

if TYPE_CHECKING:
    from dslc.source import Span


class ExportError(BuildError):
    """Something in a checked spec, or in the weights given for it, has no ONNX form.

    Attributes:
        message: What, and what to do about it.
        span: The step at fault, where there is one.
    """

    def __init__(self, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span

    def __str__(self) -> str:
        if self.span is None:
            return self.message
        return f"{self.span.file}:{self.span.line}:{self.span.column}: {self.message}"
