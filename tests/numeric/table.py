"""The table of cases: one YAML file for each op family, read into specs.

A file maps an op's name to its cases:

    conv2d:
      - with: {out: 6, kernel: 3}           # attributes: a mapping, the primary one, or left out
        of: "f32[N, 4, H, W]"               # input types: one, a list, or a mapping by input name
        where: [H >= 3, W >= 3]             # facts
        gives: "f32[N, 6, H - 2, W - 2]"    # output type, or a mapping of them by output name
      - with: {out: 6, kernel: 3, groups: 3}
        of: "f32[N, 4, H, W]"
        fails: E0301                        # instead of `gives`

Further keys: `after` (an op without attributes, or several, that float inputs go through first, such as
`sigmoid` where they must be positive), `step` (reserved keys such as `freeze`), `evaluator: REASON` where ONNX's reference
evaluator cannot be the judge, and `gaps: {onnx: REASON}` where a backend says that it has no form.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from dslc.diagnostics import Report
from dslc.ir.types import FLOATS
from dslc.passes.pipeline import Checked, check_source
from dslc.source import Source

FOLDER = Path(__file__).parent / "cases"
KEYS = {"with", "of", "after", "where", "gives", "fails", "step", "evaluator", "gaps"}


class Case:
    """One row of the table."""

    def __init__(self, family: str, op: str, number: int, fields: dict[str, Any]) -> None:
        unknown = fields.keys() - KEYS
        assert not unknown, f"{family}.yaml, {op} {number}: no key is called {unknown}"
        assert ("gives" in fields) != ("fails" in fields), f"{family}.yaml, {op} {number}"
        self.family = family
        self.op = op
        self.number = number
        self.attributes = fields.get("with")
        given = fields.get("of", [])
        self.inputs = given if isinstance(given, dict) else as_list(given)
        self.where = tuple(as_list(fields.get("where", [])))
        gives = fields.get("gives", {})
        self.gives: dict[str, str] = gives if isinstance(gives, dict) else {"": gives}
        self.fails: str | None = fields.get("fails")
        self.step: dict[str, Any] = fields.get("step", {})
        self.after: list[str] = as_list(fields.get("after", []))
        self.evaluator: str | None = fields.get("evaluator")
        self.gaps: dict[str, str] = fields.get("gaps", {})

    @property
    def name(self) -> str:
        """The step's name: the op and the case's number."""
        return f"{self.op}_{self.number}"

    def __repr__(self) -> str:
        return self.name

    def input_types(self) -> dict[str, str]:
        """The model's inputs that feed this case."""
        items = self.inputs.items() if isinstance(self.inputs, dict) else enumerate(self.inputs)
        return {f"of_{self.name}_{key}": type for key, type in items}

    def step_texts(self) -> list[str]:
        """The steps, each in YAML's flow form; the last one is the case's own."""
        names = {name: self.source(name, type) for name, type in self.input_types().items()}
        before: list[str] = []
        for name, source in names.items():
            last = name
            for op in self.after if source != name else ():
                before.append(json.dumps({op: None, "name": f"{last}_{op}", "from": last}))
                last = f"{last}_{op}"
        return [*before, self.step_text(list(names.values()))]

    def source(self, name: str, type: str) -> str:
        """What the op reads: an input, or the step that the input goes through."""
        return "_".join([name, *self.after]) if type.partition("[")[0] in FLOATS else name

    def step_text(self, names: list[str]) -> str:
        """The case's own step."""
        sources: Any = names
        if isinstance(self.inputs, dict):
            sources = dict(zip(self.inputs, names, strict=True))
        fields = {self.op: self.attributes, "name": self.name, **self.step}
        if sources:
            fields["from"] = sources
        return json.dumps(fields)

    def outputs(self) -> dict[str, str]:
        """The model's outputs by name, each with the value that it is."""
        return {
            join("_", self.name, slot): join(".", self.name, slot) for slot in self.gives or [""]
        }

    @property
    def turned(self) -> bool:
        """Whether an input or output has a layout of its own in a framework that computes channels last."""
        return any(
            type.count(",") >= 3 for type in (*self.input_types().values(), *self.gives.values())
        )

    def owns(self, name: str) -> bool:
        """Whether an output, a weight or an input's gradient belongs to this case."""
        own = name.removeprefix("input:")
        inputs = set(self.input_types()) if name.startswith("input:") else set(self.outputs())
        return own in inputs or own == self.name or own.startswith(f"{self.name}.")


def as_list(value: Any) -> list[Any]:
    """A list, or one item as a list."""
    return value if isinstance(value, list) else [value]


def join(separator: str, *parts: str) -> str:
    """Parts joined, empty ones left out."""
    return separator.join(part for part in parts if part)


def spec(cases: list[Case]) -> str:
    """One spec with a step for each case, each on inputs of its own."""
    lines = ["dslc: 1", "name: Cases", "inputs:"]
    inputs = {name: type for case in cases for name, type in case.input_types().items()}
    lines += [f"  {name}: {json.dumps(type)}" for name, type in (inputs or NO_INPUT).items()]
    facts = list(dict.fromkeys(fact for case in cases for fact in case.where))
    lines += [f"where: {json.dumps(facts)}"] if facts else []
    lines += ["steps:", *(f"  - {text}" for case in cases for text in case.step_texts())]
    lines += ["outputs:"]
    lines += [f"  {name}: {value}" for case in cases for name, value in case.outputs().items()]
    return "\n".join(lines) + "\n"


NO_INPUT = {"unused": "f32[N]"}
"""A model has inputs, also where a case's op has none."""


def check(text: str, report: Report | None = None) -> Checked:
    """A spec that must be right; what is wrong with it fails the test."""
    report = report or Report()
    checked = check_source(Source("net.yaml", text), report)
    assert checked is not None, "\n".join([*(d.message for d in report.diagnostics), text])
    return checked


def read_cases() -> list[Case]:
    """Every case of every file."""
    return [
        Case(path.stem, op, number, fields or {})
        for path in sorted(FOLDER.glob("*.yaml"))
        for op, rows in yaml.safe_load(path.read_text(encoding="utf-8")).items()
        for number, fields in enumerate(rows)
    ]


CASES = read_cases()
RIGHT = [case for case in CASES if case.fails is None]
WRONG = [case for case in CASES if case.fails is not None]


def batches() -> dict[str, list[Case]]:
    """The right cases in batches, each one spec: a family's, apart where facts or layouts differ."""
    found: dict[str, list[Case]] = {}
    for case in RIGHT:
        kind = f"{case.family} of images" if case.turned else case.family
        found.setdefault(join(" with ", kind, ", ".join(case.where)), []).append(case)
    return found


BATCHES = batches()


def batches_of(backend: str) -> list[str]:
    """The titles of the batches of which a backend has a case."""
    return [title for title, cases in BATCHES.items() if any(backend not in c.gaps for c in cases)]
