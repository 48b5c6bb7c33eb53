"""`make fuzz N=2000`: thousands of random networks through every backend, and a summary.

What fails is reduced and written to `out/fuzz/`; moved to `tests/numeric/networks/` it is a case.
"""

import argparse
import os
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from dslc.ops import all_ops
from tests import quick_xla
from tests.fuzz.judging import Verdict
from tests.fuzz.record import read_record, write_record
from tests.fuzz.work import Task, run_chunk
from tests.numeric.frameworks import NAMES

CHUNK = 20
CHUNKS_EACH = 10
FOLDER = Path("out/fuzz")
LEAST_SHARE, LEAST_STEPS = 0.8, 12


def main() -> int:
    """Runs them all; 1 where something was found or too little was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("count", type=int, help="how many networks")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other networks")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--backends", default=",".join(NAMES))
    parser.add_argument("--record", type=Path, help="a file of verdicts to go on from")
    options = parser.parse_args()
    quick_xla.hurry()
    done = read_record(options.record)
    tasks = [task for task in tasks_of(options) if task[0] not in done]
    verdicts = [verdict for chunk in done.values() for verdict in chunk]
    with get_context("spawn").Pool(options.jobs, maxtasksperchild=CHUNKS_EACH) as pool:
        for seed, chunk in pool.imap_unordered(run_chunk, tasks):
            verdicts += chunk
            report_found(seed, chunk, f"{len(verdicts)} of {options.count}")
            if options.record:
                write_record(options.record, seed, chunk)
    print(summary(verdicts))
    return 0 if is_clean(verdicts) else 1


def tasks_of(options: Any) -> list[Task]:
    """The networks in chunks, each with a seed of its own."""
    sizes = [min(CHUNK, options.count - at) for at in range(0, options.count, CHUNK)]
    backends = options.backends.split(",")
    return [(options.seed * 100_000 + k, size, backends) for k, size in enumerate(sizes)]


def report_found(seed: int, chunk: list[Verdict], done: str) -> None:
    """Says how far it is, and shows and keeps what was found."""
    found = [finding for verdict in chunk for finding in verdict.findings]
    for number, finding in enumerate(found):
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{finding.backend}_{seed:05}_{number}.yaml"
        path.write_text(f"{finding}", encoding="utf-8")
        print(f"\n{finding}", flush=True)
    print(f"{done} networks, {len(found)} new findings", flush=True)


def summary(verdicts: list[Verdict]) -> str:
    """What was done, in a few lines."""
    told = [v for v in verdicts if v.tells]
    seen = set[str]().union(*(v.ops for v in told)) & all_ops().keys()
    compared = Counter(name for v in told for name in v.compared)
    seconds: Counter[str] = Counter()
    for verdict in told:
        seconds.update(verdict.seconds)
    gaps = Counter(
        gap.split("`", 1)[0] + gap.partition("`")[2][:90] for v in verdicts for gap in v.gaps
    )
    eased = [v.eased for v in told if v.eased]
    findings = [finding for v in verdicts for finding in v.findings]
    lines = [
        f"networks: {len(verdicts)}, of which {len(told)} had an output that was finite and not constant",
        f"ops seen: {len(seen)} of {len(all_ops())} ({share(seen):.0%})",
        f"steps of a network: {steps_of(told):g} in the median",
        "compared: "
        + ", ".join(f"{n} {k} ({seconds[n] / k:.2f} s each)" for n, k in compared.items()),
        f"allowed more, as rounding moves the reference so far: {len(eased)} networks",
        *(f"no form, as stated, {k} times: {gap}" for gap, k in gaps.most_common(8)),
        *(
            f"not seen: {', '.join(sorted(all_ops().keys() - seen))}"
            for _ in [0]
            if share(seen) < 1
        ),
        f"found: {len(findings)}",
        *(f"  {f.backend}: {f.words.splitlines()[0][:100]}" for f in findings),
    ]
    return "\n".join(lines)


def share(seen: set[str]) -> float:
    """The part of all ops."""
    return len(seen) / len(all_ops())


def steps_of(verdicts: list[Verdict]) -> float:
    """The median number of steps."""
    return median([v.steps for v in verdicts] or [0])


def is_clean(verdicts: list[Verdict]) -> bool:
    """Whether nothing was found, in networks that are worth it."""
    told: list[Any] = [v for v in verdicts if v.tells]
    seen = set[str]().union(*(v.ops for v in told)) & all_ops().keys()
    is_much = share(seen) >= LEAST_SHARE or len(verdicts) < 500
    return is_much and steps_of(told) >= LEAST_STEPS and not any(v.findings for v in verdicts)


if __name__ == "__main__":
    raise SystemExit(main())
