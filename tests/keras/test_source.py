"""The generated text: formatted, without a finding, short, and for every size."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dslc.api import load
from tests.keras.networks import NETWORKS, ROOT, network, source

RUFF = [sys.executable, "-m", "ruff"]


def ruff(folder: Path, *arguments: str) -> str:
    """What ruff says about a folder, with the repository's line length."""
    command = [*RUFF, *arguments, "--isolated", "--line-length=100", "--no-cache", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else ""


def test_ruff_has_nothing_to_say(tmp_path):
    for name in NETWORKS:
        for layout in ("spec", "native"):
            text = source(network(name), layout)
            assert text == source(network(name), layout)
            (tmp_path / f"{name}_{layout}.py").write_text(text, encoding="utf-8")
    rules = "--select=A,ARG,B,C4,E,F,I,N,PIE,RET,RUF,SIM,UP,W"
    assert not ruff(tmp_path, "check", "--target-version=py311", rules, "--ignore=RUF002,A002")
    assert not ruff(tmp_path, "format", "--diff")


def test_resnet50_is_one_function_and_one_loop():
    text = source(load(ROOT / "specs/zoo/resnet50.yaml").checked)
    assert len(text.splitlines()) < 150
    assert len(re.findall(r"^def bottleneck\(", text, re.MULTILINE)) == 1
    assert len(re.findall(r"= bottleneck\(", text)) == 1
    assert len(re.findall(r"^    for ", text, re.MULTILINE)) == 1
    assert "layer-{i}-bottleneck-{j}" in text


@pytest.mark.parametrize("name", NETWORKS)
def test_functions_are_small_and_documented(name):
    tree = ast.parse(source(network(name)))
    blocks = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert blocks
    for node in blocks:
        assert ast.get_docstring(node) or len(node.body) == 1, node.name
        assert node.end_lineno is not None
        assert node.end_lineno - node.lineno < 60, node.name


def test_a_generated_function_serves_other_params():
    from dslc.emit.loading import load_module

    module = load_module(source(network("digits")), "model")
    model = module.digits_net(classes=3, width=4, depths=(1, 2, 1), io_layout="native")
    assert model.output_shape == (None, 3)
    assert model.input_shape == (None, None, None, 1)
    assert model.get_layer("stage-2-block-0-conv1").kernel.shape == (3, 3, 8, 16)
    mixed = load_module(source(network("mixed")), "model").mixed
    assert "extra" in {layer.name for layer in mixed().layers}
    assert "extra" not in {layer.name for layer in mixed(use_extra=False).layers}


def test_layers_have_their_paths_as_names():
    from dslc_keras import backend
    from dslc_keras.runtime.portable import path_of

    for name in ("digits", "mixed"):
        model = backend.build(network(name))
        paths = {info.path.rpartition(".")[0] for info in network(name).weights()}
        assert paths == {path_of(layer) for layer in model.layers if layer.weights}


def test_initial_weights_are_the_specs():
    import numpy as np
    from dslc_keras import backend
    from dslc_keras.runtime.portable import to_portable

    from dslc.weights.starting import starting_weights

    infos = network("gpt").weights()
    for seed in (0, 1):
        found = to_portable(backend.build(network("gpt"), seed))
        for path, array in starting_weights(infos, seed).items():
            np.testing.assert_array_equal(found[path], array)
    assert abs(found["wte.weight"].std() - 0.02) < 0.002
