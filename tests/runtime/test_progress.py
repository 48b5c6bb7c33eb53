"""Progress: rows that survive a kill, plain lines where there is no terminal, and the curves."""

import csv
import io
import json
from html.parser import HTMLParser

import pytest

from dslc.train.runtime.progress import NoNumberError, Progress, curves, read_rows


class Terminal(io.StringIO):
    def isatty(self):
        return True


def train(folder, first, last, total=10, stream=None):
    progress = Progress(folder, total, done=first, stream=stream or io.StringIO())
    for step in range(first + 1, last + 1):
        progress.step(step, 0, loss=1 / step)
    return progress


def test_metrics_of_a_resumed_run_are_those_of_an_unbroken_one(tmp_path):
    train(tmp_path / "whole", 0, 10).close()
    killed = train(tmp_path / "broken", 0, 7)  # after step 7, with a checkpoint of step 4
    killed.flush()
    killed._file.close()
    with (tmp_path / "broken" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "ep')
    train(tmp_path / "broken", 4, 10).close()
    for name in ("metrics.jsonl", "metrics.csv", "curves.html"):
        whole, broken = (tmp_path / kind / name for kind in ("whole", "broken"))
        assert whole.read_bytes() == broken.read_bytes()


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    progress = train(tmp_path, 0, 2)
    progress.step(3, 1, loss=float("nan"))
    with pytest.raises(NoNumberError, match="`loss` is nan at step 3 of 10, in epoch 1") as found:
        progress.flush()
    assert (found.value.step, found.value.in_step) == (3, True)
    assert len(read_rows(tmp_path / "metrics.jsonl")) == 3
    progress = train(tmp_path / "held", 0, 2)
    progress.evaluation(2, 0, held_out_auc=float("nan"))  # there may be rows of one class alone
    with pytest.raises(NoNumberError, match="is inf at held-out rows after step 2 of 10"):
        progress.evaluation(2, 0, held_out_loss=float("inf"))


def test_rows_and_table(tmp_path):
    progress = train(tmp_path, 0, 2)
    progress.evaluation(2, 0, accuracy=0.5)
    progress.close()
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows == [
        {"step": 1, "epoch": 0, "loss": 1.0},
        {"step": 2, "epoch": 0, "loss": 0.5},
        {"step": 2, "epoch": 0, "accuracy": 0.5},
    ]
    with (tmp_path / "metrics.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["accuracy"] for row in table] == ["", "", "0.5"]
    assert read_rows(tmp_path / "none") == []
    assert {path.name for path in tmp_path.iterdir()} == {
        *("metrics.jsonl", "metrics.csv", "curves.html")
    }


def test_a_file_gets_plain_lines_and_a_terminal_a_moving_one(tmp_path):
    plain, terminal = io.StringIO(), Terminal()
    for stream, name in ((plain, "a"), (terminal, "b")):
        progress = train(tmp_path / name, 0, 10, stream=stream)
        progress.evaluation(10, 0, accuracy=0.75)
        progress.close()
    assert plain.getvalue() == "epoch 0  step 10/10  accuracy 0.7500\n"
    assert "10/10  loss 0.1000" in terminal.getvalue()
    assert "\r\x1b[K" in terminal.getvalue()


def test_losses_are_read_in_bunches(tmp_path):
    read = []

    class Loss:
        def __init__(self, step):
            self.step = step

        def __float__(self):
            read.append(self.step)
            return 1.0

    progress = Progress(tmp_path, 100, stream=io.StringIO())
    for step in range(1, 50):
        progress.step(step, 0, loss=Loss(step))
    assert read == []
    progress.step(50, 0, loss=Loss(50))
    assert read == list(range(1, 51))
    progress.close()


def test_curves_are_self_contained_and_survive_odd_values():
    rows = [{"step": i, "epoch": 0, "loss": 1.0 / (i + 1)} for i in range(5000)]
    rows += [
        {"step": 9, "loss": float("nan")},
        {"step": 9, "<b>": 1.0},
        {"step": 9, "none": float("inf")},
    ]
    page = curves(rows)
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append((tag, dict(attrs)))
    parser.feed(page)
    assert [tag for tag, _ in tags].count("polyline") == 2
    assert not [a for _, a in tags if "src" in a or "href" in a]
    assert "&lt;b&gt;" in page
    assert "nan" not in page
    assert len(page) < 100_000
    assert "<svg" not in curves([])
