"""The backend as the command line, the Python API and `verify` see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import onnx_ir as ir

    from dslc.emit.backend import Rules
    from dslc.passes.pipeline import Checked
    from dslc_onnx.driver import OnnxDriver


@final
class OnnxBackend:
    """Lowers a checked spec to ONNX. `options` are those of `dslc_onnx.options.Options`."""

    name = "onnx"
    requires = ("onnx", "onnx_ir", "numpy")

    @property
    def rules(self) -> Rules:
        """The rule, or the reason for a gap, of each op class."""
        from dslc_onnx.rules import RULES

        return RULES

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

    def project(
        self, checked: Checked, weights: Mapping[str, Any] | None = None, **options: Any
    ) -> dict[str, bytes | str]:
        """The files of the generated project by name; see `dslc_onnx.project.project`."""
        from dslc_onnx.project import project

        return project(checked, weights, **options)

    def driver(
        self,
        checked: Checked,
        *,
        dtype: str = "f32",
        io_layout: str = "spec",
        device: str = "cpu",
    ) -> OnnxDriver:
        """The exported model, driven with NumPy arrays through onnxruntime; forward only."""
        del dtype, io_layout  # a model file is as the spec types it
        from dslc_onnx.driver import OnnxDriver

        return OnnxDriver(checked, device)

    def has_device(self, name: str) -> bool:
        """Whether onnxruntime was built with what runs on a device of this kind."""
        import onnxruntime

        from dslc_onnx.driver import PROVIDERS

        return PROVIDERS.get(name) in onnxruntime.get_available_providers()
