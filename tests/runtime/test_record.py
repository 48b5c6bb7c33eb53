"""What a run's record says, where a number that is none comes from, and how a signal is taken."""

import json
import os
import signal
import subprocess

import numpy as np
import pytest

from dslc.train.runtime.faults import describe, first_fault, listed, sight
from dslc.train.runtime.record import commit, record, spec_text
from dslc.train.runtime.signals import Signals


def test_a_record_is_kept_when_a_run_goes_on(tmp_path, monkeypatch):
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    facts = {"spec": "sha256:0", "params": {"width": 8}}
    record(tmp_path / "run", facts, {"seed": 3, "output": tmp_path}, ["numpy", "no-such-package"])
    record(tmp_path / "run", {"spec": "another"}, {"seed": 4}, ["numpy"], resumed=7)
    found = json.loads((tmp_path / "run" / "run.json").read_text())
    assert found["spec"] == "sha256:0"
    assert found["params"] == {"width": 8}
    assert found["options"] == {"seed": 3, "output": str(tmp_path)}
    assert set(found["versions"]) == {"python", "numpy"}
    assert len(found["git"]["commit"]) == 40
    assert not found["git"]["changed"]
    assert [item["step"] for item in found["resumed"]] == [7]


def test_no_git_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit() is None


def test_the_spec_and_what_it_imports_are_one_text(tmp_path):
    (tmp_path / "imports").mkdir()
    (tmp_path / "net.yaml").write_text("a")
    (tmp_path / "imports" / "b.yaml").write_text("b")
    assert spec_text(tmp_path) == "a\nb"


def test_the_first_layer_with_no_number_is_named():
    fine, wrong = np.ones((4, 2)), np.ones((4, 2))
    wrong[2, 1] = np.inf
    none = np.where(np.isinf(wrong), np.nan, wrong)
    seen = [sight("a", True, [fine], 4), sight("b", True, [wrong], 4), sight("c", False, [none], 4)]
    text = "inf first appears in the output of `b` (its row 2), and nan in the input of `c`"
    assert describe(seen, 4) == f"{text} (its row 2)"
    assert describe(seen[2:], 4) == "nan first appears in the input of `c` (its row 2)"
    assert describe(seen[:1], 4).startswith("every layer gives finite numbers")
    assert (
        describe([sight("", True, [none[2:3]], 4)], 4)
        == "nan first appears in the output of the model"
    )


def test_a_gradient_that_was_none_is_told_by_the_weights():
    class Trainer:
        def weights(self):
            return {"a": np.ones(2), "b": np.array([np.nan]), "c": np.array([np.inf])}

    text = first_fault(Trainer(), list, 4)
    assert text == "the step before it made `c` and 1 more no number: its gradient was none"
    assert listed(range(40)).endswith("31 and 8 more")


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_remembered_and_the_next_one_is_not(kind, capsys):
    before = signal.getsignal(kind)
    with Signals() as signals:
        assert signals.received is None
        os.kill(os.getpid(), kind)
        assert signals.received == kind
        assert signal.getsignal(kind) == before
        with pytest.raises(SystemExit) as left:
            signals.leave(12)
    assert left.value.code == 128 + kind
    assert f"{kind.name}: saved at step 12" in capsys.readouterr().err
    assert signal.getsignal(kind) == before
