"""One random network judged in several backends, and what is wrong reduced to the least spec."""

import time
from typing import Any

import yaml

from dslc.emit.backend import BuildError
from tests.fuzz.comparing import Network
from tests.fuzz.pruning import reduced
from tests.fuzz.specs import Spec, count_steps, tidy

REFERENCE = "reference"


class Finding:
    """A fault: where, what, and the least spec that has it."""

    __slots__ = ("backend", "spec", "words")

    def __init__(self, backend: str, words: str, spec: str) -> None:
        self.backend = backend
        self.words = words
        self.spec = spec

    def __repr__(self) -> str:
        lines = "\n".join(f"# {line}" for line in (self.backend, *self.words.splitlines()))
        return f"{lines}\n{self.spec}"


class Verdict:
    """What came of one network.

    Attributes:
        tells: Whether an output is left that is finite and not constant.
        steps: Its steps as written.
        ops: The ops that ran.
        compared: The backends that were compared.
        gaps: What a backend says that it cannot build.
        seconds: What each backend took.
    """

    def __init__(self) -> None:
        self.tells = False
        self.steps = 0
        self.ops: set[str] = set()
        self.compared: list[str] = []
        self.gaps: list[str] = []
        self.findings: list[Finding] = []
        self.seconds: dict[str, float] = {}


def judge(spec: Spec, backends: list[str]) -> Verdict:
    """Compares a network in every backend; what is wrong is reduced."""
    verdict = Verdict()
    found = faults_of(spec, REFERENCE)
    if found:
        verdict.findings.append(finding(spec, REFERENCE, found))
        return verdict
    network = Network(spec)
    verdict.tells = network.tells
    if not network.tells:
        return verdict
    verdict.steps, verdict.ops = count_steps(network.spec), network.ops()
    for name in backends:
        started = time.monotonic()
        try:
            words = network.faults(name)
        except BuildError as error:
            verdict.gaps.append(f"{name}: {error}")
            continue
        verdict.compared.append(name)
        if words:
            verdict.findings.append(finding(network.spec, name, words))
        verdict.seconds[name] = time.monotonic() - started
    return verdict


def faults_of(spec: Spec, backend: str) -> list[str]:
    """What is wrong with a spec in a backend, or with the reference itself."""
    try:
        network = Network(spec)
        if backend == REFERENCE:
            return [network.refusal] if network.refusal else network.shape_faults()
        is_whole = network.comparison is not None and network.tells
        return network.faults(backend) if is_whole else []
    except BuildError:
        return []
    except Exception as error:
        line = " ".join(str(error).split())[:300]
        return [f"it raised {type(error).__name__}: {line}"] if backend == REFERENCE else []


def finding(spec: Spec, backend: str, words: list[str]) -> Finding:
    """A fault with the least spec that has one of the same kind."""
    kind = words[0].split(":")[0][:20]

    def fails(smaller: Spec) -> bool:
        return any(text.startswith(kind) for text in faults_of(smaller, backend))

    least = reduced(spec, fails)
    said = faults_of(least, backend) or words
    return Finding(backend, "\n".join(line[:400] for line in said), as_yaml(least))


def as_yaml(spec: Spec) -> str:
    """A spec as a file."""
    plain: Any = tidy(spec)
    return yaml.safe_dump(plain, sort_keys=False, default_flow_style=None, width=110)
