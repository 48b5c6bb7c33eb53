"""The backend as the command line and the Python API see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnx_ir as ir

    from dslc.ops.base import Op
    from dslc.passes.pipeline import Checked
    from dslc_onnx.driver import OnnxDriver


@final
class OnnxBackend:
    """Lowers a checked spec to ONNX. Its methods take the options of `dslc_onnx.options.Options`."""

    name = "onnx"
    extra = "onnx"
    requires = ("onnx_ir", "onnxruntime")

    @property
    def rules(self) -> Mapping[type[Op], Any]:
        """The rule of each op class."""
        from dslc_onnx.rules import load

        return load().rules

    @property
    def gaps(self) -> Mapping[type[Op], str]:
        """The ops that ONNX cannot say, each with the reason."""
        from dslc_onnx.rules import load

        return load().gaps

    def model(
        self, checked: Checked, weights: Mapping[str, Any] | None = None, **options: Any
    ) -> ir.Model:
        """The model as `onnx_ir` has it; see `dslc_onnx.export.build`."""
        from dslc_onnx.export import build
        from dslc_onnx.options import Options

        return build(checked, weights, Options(**options))

    def export(
        self, checked: Checked, weights: Mapping[str, Any] | None = None, **options: Any
    ) -> bytes:
        """The model file's bytes; see `dslc_onnx.export.export`."""
        from dslc_onnx.export import export

        return export(checked, weights, **options)

    def save(
        self,
        checked: Checked,
        weights: Mapping[str, Any] | None,
        path: str | Path,
        *,
        force: bool = False,
        **options: Any,
    ) -> None:
        """Writes the model file whole or not at all; see `dslc_onnx.export.save`."""
        from dslc_onnx.export import save

        save(checked, weights, path, force=force, **options)

    def driver(
        self, checked: Checked, *, dtype: str = "f32", io_layout: str = "spec"
    ) -> OnnxDriver:
        """The exported model, driven with NumPy arrays through onnxruntime."""
        del dtype, io_layout  # a model file is as the spec types it
        from dslc_onnx.driver import OnnxDriver

        return OnnxDriver(checked)

    def project(
        self, checked: Checked, weights: Mapping[str, Any] | None = None, **options: Any
    ) -> dict[str, bytes | str]:
        """The files of the generated project by name; see `dslc_onnx.project.project`."""
        from dslc_onnx.project import project

        return project(checked, weights, **options)
