"""The whole way on real data: check, train, export, verify; one table of the figures at the end.

    python examples/digits/demo.py [FOLDER]

Each step is a `dslc` command, printed before it runs. The data are the 1,797 handwritten digits that
scikit-learn ships; a fixed, stratified fifth of them is held out and decides nothing.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
SPEC = HERE / "net.yaml"


def dslc(*arguments: str | Path, quiet: bool = False) -> tuple[str, float]:
    """Runs a command beside this interpreter; gives what it printed and the seconds it took."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ dslc {' '.join(words)}", flush=True)
    program = Path(sys.executable).with_name("dslc")
    began = time.perf_counter()
    capture = subprocess.PIPE if quiet else None
    done = subprocess.run([str(program), *words], stdout=capture, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"dslc {words[0]} ended with status {done.returncode}")
    return done.stdout or "", time.perf_counter() - began


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as aligned columns."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def figure(number: float | None) -> str:
    """An error as a table shows it."""
    return "-" if number is None else f"{number:.1e}"


def main() -> None:
    """Runs the steps and prints the table."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out/demo")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    model = out / "digits.onnx"

    _, check = dslc("check", SPEC)
    summary, _ = dslc("summary", SPEC, "--format", "json", quiet=True)
    _, train = dslc("train", SPEC, "--backend", "torch", "-o", out / "run")
    weights = out / "run" / "weights.safetensors"
    _, export = dslc("export", SPEC, "-o", model, "--weights", weights)
    verified, verify = dslc("verify", SPEC, "--train-steps", "10", "--format", "json", quiet=True)

    found = json.loads(verified)
    metrics = [json.loads(line) for line in (out / "run/metrics.jsonl").read_text().splitlines()]
    accuracy = [row["held_out_accuracy"] for row in metrics if "held_out_accuracy" in row][-1]
    rows = [("backend", "forward", "gradient", "10 training steps", "equal")]
    for name, result in found["backends"].items():
        errors = (result.get(part) or {} for part in ("forward", "gradient", "train"))
        cells = [figure(error.get("max_rel")) for error in errors]
        rows.append((name, *cells, "yes" if result["ok"] else "NO"))
    figures = [
        ("parameters", f"{json.loads(summary)['parameters']['total']:,}"),
        ("accuracy, held out", f"{accuracy:.2%}"),
        ("model.onnx", f"{model.stat().st_size:,} bytes"),
        (
            "seconds",
            f"check {check:.2f}, train {train:.1f}, export {export:.1f}, verify {verify:.1f}",
        ),
    ]
    print(f"\n{table(figures)}\n\n{table(rows)}")
    print(f"\nlargest relative differences from {found['reference']}; everything is in {out}")


if __name__ == "__main__":
    main()
