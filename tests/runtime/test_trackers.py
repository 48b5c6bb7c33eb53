"""A function of one's own is told of every figure, and one that fails ends no run."""

import importlib.util
import io
import sys
from types import SimpleNamespace

import pytest

from dslc.train.runtime.progress import Progress
from dslc.train.runtime.trackers import own, tensorboard, trackers


def test_a_function_gets_every_row(tmp_path):
    (tmp_path / "mine.py").write_text(
        "seen = []\n\ndef on_metrics(step, values):\n    seen.append((step, dict(values)))\n"
    )
    told = own(tmp_path / "mine.py")
    progress = Progress(tmp_path, 2, stream=io.StringIO(), trackers=[told])
    progress.step(1, 0, loss=0.5)
    progress.evaluation(1, 0, held_out_loss=0.25)
    progress.close()
    assert told.__globals__["seen"] == [(1, {"loss": 0.5}), (1, {"held_out_loss": 0.25})]


def test_a_tracker_that_fails_is_asked_no_more(tmp_path):
    asked, out = [], io.StringIO()

    def fails(step, values):
        asked.append(step)
        raise ConnectionError("no network")

    progress = Progress(tmp_path, 2, stream=out, trackers=[fails])
    for step in (1, 2):
        progress.step(step, 0, loss=0.5)
    progress.close()
    assert asked == [1]
    assert out.getvalue().splitlines() == [
        "a tracker failed and is asked no more: ConnectionError: no network"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("x = 1", "defines no on_metrics"), ("1 / 0", "ZeroDivisionError"), (None, "no Python file")],
)
def test_a_file_that_tracks_nothing_is_refused(tmp_path, text, message):
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ValueError, match=message):
        trackers(tmp_path, tmp_path / "mine.py", 0)


def test_nothing_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert trackers(tmp_path, None, 0) == []


def test_tensorboard_gets_events(tmp_path, monkeypatch):
    written, flushed = [], []

    def log(**fields):
        return SimpleNamespace(**fields)

    log.START = 1
    writer = SimpleNamespace(add_event=written.append, flush=lambda: flushed.append(len(written)))
    summary = SimpleNamespace
    parts = {
        "tensorboard.compat.proto.event_pb2": SimpleNamespace(
            Event=SimpleNamespace, SessionLog=log
        ),
        "tensorboard.compat.proto.summary_pb2": SimpleNamespace(
            Summary=type("Summary", (summary,), {"Value": SimpleNamespace})
        ),
        "tensorboard.summary.writer.event_file_writer": SimpleNamespace(
            EventFileWriter=lambda folder: writer
        ),
    }
    monkeypatch.setattr(importlib, "import_module", parts.__getitem__)
    told = tensorboard(tmp_path, 4)
    told(5, {"loss": 0.5})
    told(5, {"held_out_loss": 0.25})
    assert [event.step for event in written] == [5, 5, 5]
    assert written[0].session_log.status == 1
    assert (written[1].summary.value[0].tag, written[1].summary.value[0].simple_value) == (
        "loss",
        0.5,
    )
    assert flushed == [3]
    assert "tensorboard" not in sys.modules
