"""What a right section is read as."""

import subprocess
import sys
from pathlib import Path

import pytest

from dslc.passes.pipeline import Checked, check_file
from dslc.syntax.tree import Scalar
from dslc.train.training import Training
from tests.train.projects import DIGITS, checked

ZOO = Path(__file__).parents[2] / "specs" / "zoo"


def training(name: str) -> Training:
    found = checked(name).train
    assert found is not None
    return found


def test_the_short_form_compares_the_only_output_with_the_only_other_column() -> None:
    found = training("digits")
    assert [step.label for step in found.phases[0].graph.body.steps] == [
        "model",
        "cross_entropy",
        "accuracy",
    ]
    assert [str(ref.slot) for ref in found.phases[0].graph.body.steps[1].inputs if ref] == [
        "logits",
        "label",
    ]
    assert {name: str(type) for name, type in found.phases[0].instance.outputs.items()} == {
        "loss": "f32[]",
        "accuracy": "f32[]",
    }


def test_columns_have_types_sources_and_bounds() -> None:
    found = training("reader").columns
    assert {name: (c.source, str(c.type), c.below) for name, c in found.items()} == {
        "tokens": ("ids", "i64[N, T]", 20),
        "label": ("class", "i64[N]", 4),
    }


def test_ids_are_followed_through_slices_into_the_model() -> None:
    assert training("shift").columns["text"].below == 11


def test_a_model_is_called_where_a_step_calls_it_and_nowhere_else() -> None:
    labels = [step.label for step in training("shift").phases[0].graph.body.steps]
    assert labels.count("model") == 1
    assert list(training("shift").columns) == ["text"]


def test_settings_are_evaluated_and_the_rest_are_defaults() -> None:
    found = training("wine")
    assert found.phases[0].optimizer.name == "sgd"
    assert found.phases[0].optimizer.values["no_decay"] == ("**.bias", "norm.*")
    assert found.phases[0].schedule.values == {"warmup": 5, "final": 0.1}
    given = {"epochs": 5, "batch": 16, "accumulate": 1, "seed": 7}
    rest = {"precision": "f32", "deterministic": False, "compile": None, "recompute": ()}
    assert found.run.values == {**given, **rest}
    assert found.phases[0].metrics == ("accuracy", "top_2_accuracy")


def test_a_metric_takes_the_losses_axis(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    text = DIGITS.read_text().replace("loss: cross_entropy", "loss: {cross_entropy: {axis: -1}}")
    spec.write_text(text)
    found = check_file(str(spec)).train
    assert found is not None
    accuracy = found.phases[0].instance.body.steps[2].iterations[0]
    assert accuracy is not None
    assert accuracy.op is not None
    assert accuracy.op.values["axis"] == -1


def test_params_reach_the_section(tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    text = DIGITS.read_text().replace("batch: 64", "batch: 4 * width")
    spec.write_text(text)
    found = check_file(str(spec), {"width": Scalar("8", "plain", anywhere(spec))}).train
    assert found is not None
    assert found.run.values["batch"] == 32


def anywhere(spec: Path) -> tuple[str, int, int, int, int]:
    return (str(spec), 0, 0, 0, 1)


def test_the_languages_own_example_passes() -> None:
    found: Checked = check_file(str(ZOO / "resnet50.yaml"))
    assert found.train is not None
    assert found.train.run.values["precision"] == "bf16"
    assert found.train.phases[0].metrics == ("accuracy", "top_5_accuracy")


@pytest.mark.parametrize("name", ["gpt", "resnet50"])
def test_what_a_check_loads(name: str) -> None:
    code = (
        "import sys; from dslc.cli.main import main; "
        f"main(['check', {str(ZOO / name)!r} + '.yaml']); "
        "heavy = {'numpy', 'torch', 'keras', 'tensorflow', 'jax', 'sklearn'} & set(sys.modules); "
        "assert not heavy, heavy; "
        "print(sorted(name for name in sys.modules if name.startswith('dslc.train')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loads = done.stdout.splitlines()[-1]
    assert ("dslc.train.section" in loads) == (name == "resnet50"), loads
