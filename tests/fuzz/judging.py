"""One random network judged in several backends, and what is wrong reduced to the least spec."""

import re
import time

import yaml

from dslc.emit.backend import BuildError
from dslc.tools.verify import plain
from tests.fuzz.comparing import Network
from tests.fuzz.pruning import reduced
from tests.fuzz.specs import Spec, count_steps, files

REFERENCE = "reference"
INVALID = "checker refuses the model"
"""What is no stated gap: a file that is wrong."""
WIDER = (
    "must have the same dtype, but got Float and Double",
    "All tensors must have the same dtype",
)
NOT_A_NUMBER = "all elements of input should be between 0 and 1"
"""What PyTorch says of probabilities that are none, as what leaves float32 makes them."""


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
        eased: The backends that were allowed more, as far as rounding moves the reference itself.
        gaps: What a backend says that it cannot build.
        seconds: What each backend took.
    """

    def __init__(self) -> None:
        self.tells = False
        self.steps = 0
        self.ops: set[str] = set()
        self.compared: list[str] = []
        self.eased: list[str] = []
        self.gaps: list[str] = []
        self.findings: list[Finding] = []
        self.seconds: dict[str, float] = {}


Kinds = set[tuple[str, str]]
"""Faults that were reduced before: there is no need to reduce what is most likely the same."""


def judge(spec: Spec, backends: list[str], known: Kinds | None = None) -> Verdict:
    """Compares a network in every backend; what is wrong is reduced."""
    verdict, known = Verdict(), set[tuple[str, str]]() if known is None else known
    started = time.process_time()
    try:
        network, found = reference_of(spec)
    except BuildError as error:
        verdict.gaps.append(f"{REFERENCE}: {error}")
        return verdict
    if network is None or found:
        verdict.findings.append(finding(spec, REFERENCE, found, known))
        return verdict
    verdict.tells = network.tells
    if not network.tells:
        return verdict
    verdict.steps, verdict.ops = count_steps(network.spec), network.ops()
    verdict.seconds[REFERENCE] = time.process_time() - started
    for name in backends:
        started = time.process_time()
        try:
            words = network.faults(name)
        except BuildError as error:
            if INVALID not in str(error):
                verdict.gaps.append(f"{name}: {error}")
                continue
            words = [raised(error)]
        except Exception as error:
            if NOT_A_NUMBER in str(error) or isinstance(error, OverflowError):
                verdict.gaps.append(f"{name}: the judge, in float32, has no number")
                continue
            words = [raised(error)]
        verdict.compared.append(name)
        verdict.eased += [name] if network.eased else []
        verdict.seconds[name] = time.process_time() - started
        if words:
            verdict.findings.append(finding(network.spec, name, words, known))
    return verdict


def reference_of(spec: Spec) -> tuple[Network | None, list[str]]:
    """A network with its reference, and what is wrong with the latter."""
    try:
        network = Network(spec)
        words = [network.refusal] if network.refusal else network.shape_faults()
    except BuildError:
        raise
    except Exception as error:
        if any(words in str(error) for words in WIDER):
            text = "the judge, in float64, has a measure in float32 beside its weights"
            raise BuildError(text) from None
        return None, [raised(error)]
    return network, words


def faults_of(spec: Spec, backend: str) -> list[str]:
    """What is wrong with a spec in a backend, or with the reference itself."""
    try:
        network, words = reference_of(spec)
        if backend == REFERENCE:
            return words
        return network.faults(backend) if network and network.tells and not words else []
    except BuildError as error:
        return [raised(error)] if INVALID in str(error) else []
    except Exception as error:
        return [raised(error)]


def raised(error: Exception) -> str:
    """An error in one line."""
    return f"it raised {type(error).__name__}: {plain(str(error))[:300]}"


def finding(spec: Spec, backend: str, words: list[str], known: Kinds) -> Finding:
    """A fault with the least spec that has one of the same kind."""
    kind = kind_of(words)
    least, said = spec, words
    if (backend, kind) not in known:
        known.add((backend, kind))
        least = reduced(spec, lambda smaller: kind_of(faults_of(smaller, backend)) == kind)
        said = faults_of(least, backend) or words
    return Finding(backend, "\n".join(line[:400] for line in said), as_yaml(least))


def kind_of(words: list[str]) -> str:
    """What faults of one kind have in common: the first words, without names and numbers."""
    text = words[0].split(" not ")[0] if words else ""
    return re.sub(r"[\w./-]*\d[\w./-]*", "#", text)[:60]


def as_yaml(spec: Spec) -> str:
    """A spec as a file, what it imports behind it."""
    texts = [
        yaml.safe_dump(part, sort_keys=False, default_flow_style=None, width=110)
        for part in files(spec)
        if part is not None
    ]
    return "--- # parts.yaml\n".join(texts)
