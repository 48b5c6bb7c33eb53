"""Where the backends compute: on what is there, and nowhere without a word."""

from pathlib import Path

import pytest

from dslc.cli.main import main
from tests.numeric.frameworks import backend_named, backend_params


@pytest.mark.parametrize("backend", backend_params())
def test_every_backend_knows_its_devices(backend: str) -> None:
    found = backend_named(backend)
    assert found.has_device("cpu")
    assert not found.has_device("tpu")


@pytest.mark.parametrize("backend", backend_params())
def test_a_device_that_is_not_there_is_the_callers_fault(
    backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("dslc: 1\nname: Net\ninputs:\n  x: f32[N, 8]\nsteps:\n  - linear: 10\n")
    backend_named(backend)
    assert main(["verify", str(spec), "--backends", backend, "--device", "tpu"]) == 2
    printed = capsys.readouterr().err
    assert printed == f"dslc: the {backend} backend sees no tpu device here\n"
