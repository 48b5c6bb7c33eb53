"""References: from `down[levels - 1 - i].skip` to the step, the instance and the output it means.

A value inside a named structure is handed out by that structure: the reference names the structure
and a slot, and the structure learns to export the slot. So whatever turns structures into objects
(classes, functions) knows what each must return.
"""

from __future__ import annotations

from dslc.diagnostics import mend, nearest
from dslc.ir.graph import EVERY, UNKNOWN, CallModule, Group, Ref, Reuse
from dslc.ir.operations import OperationReader
from dslc.ir.walk import with_regions
from dslc.syntax.expressions import Literal, free_names
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.diagnostics import Report
    from dslc.ir.graph import Action, Body, Index, Initialiser, Step
    from dslc.ir.imported_names import Units
    from dslc.ir.operations import Signature
    from dslc.ir.scope import Scope
    from dslc.source import Span
    from dslc.syntax.expressions import Expr
    from dslc.syntax.tree import Node

    Segment = str | Expr


@final
class Place:
    """What a reference may enter: a step with the scope of its inside, where it has one."""

    __slots__ = ("branches", "is_structure", "name", "repeats", "scope")

    def __init__(
        self,
        name: str,
        scope: Scope,
        branches: dict[str, Scope],
        *,
        is_structure: bool,
        repeats: bool,
    ) -> None:
        self.name = name
        self.scope = scope
        self.branches = branches
        self.is_structure = is_structure
        self.repeats = repeats


class ReferenceReader(OperationReader):
    """Reads references and remembers what each structure must hand out."""

    def __init__(
        self,
        report: Report,
        modules: dict[str, Signature],
        defaults: dict[str, tuple[dict[str, Expr], dict[str, Initialiser]]],
        imported: Units | None = None,
    ) -> None:
        super().__init__(report, modules, defaults, imported)
        self.places: dict[int, Place] = {}
        self.exports: dict[int, dict[str, Ref]] = {}
        self.kept: dict[int, dict[str, None]] = {}
        self.named: dict[int, Step] = {}
        self.branch_scopes: dict[int, dict[str, Scope]] = {}
        self.scan_inputs: dict[int, tuple[Ref | None, ...]] = {}
        self.around: list[tuple[list[Node], int]] = []
        self.without_input: set[tuple[int, str]] = set()  # where a body without inputs begins
        """The bodies that are read, the innermost last, and where the steps to come begin."""

    def visible(self, scope: Scope) -> set[str]:
        """The names of all values that a reference may begin at."""
        return scope.all_values()

    def comes_later(self, name: str) -> bool:
        """Whether a step further down has a name."""
        later = (node for nodes, place in self.around for node in nodes[place:])
        names = (node.get("name") for node in later if isinstance(node, Mapping))
        return any(isinstance(found, Scalar) and found.text == name for found in names)

    def reference(self, node: Node, scope: Scope, *, several: bool = False) -> Ref | None:
        """A reference to a value above; `several` allows `*`."""
        text = self.text(node, "a reference")
        if text is None:
            return None
        parts = self.segments(text, node, scope)
        if parts is None:
            return Ref(UNKNOWN, "", node.span)
        head, *rest = parts
        found = scope.find(str(head))
        if found is None:
            close = nearest(str(head), self.visible(scope))
            help = f"did you mean `{close}`?" if close else "give the step a `name`, above this one"
            if self.comes_later(str(head)):
                close, help = None, "references point upwards alone: put that step above this one"
            message, fix = f"no value is called `{head}` here", ()
            if isinstance(node, Scalar) and node.plain:
                fix = mend(node.span, str(head), close, text)
            self.report.error("E0404", node.span, message, help=help, fix=fix)
            return Ref(UNKNOWN, "", node.span)
        if found.owner in self.failed:
            return Ref(UNKNOWN, "", node.span)
        if not rest:
            return Ref(found.owner, found.slot, node.span)
        if found.slot.startswith("@"):
            message = f"`{head}` is one value, which a round of a scan sees"
            self.report.error("E0408", node.span, message, help=f"write `{head}`")
            return Ref(UNKNOWN, "", node.span)
        ref = self.follow(found, rest, node.span, scope)
        if ref is not None and ref.index == EVERY and not several:
            message = "`*` stands for several values, and one is expected here"
            help = "it works in the list of inputs of `concat`, `add` and the like"
            self.report.error("E0413", node.span, message, help=help)
            ref = None
        return Ref(UNKNOWN, "", node.span) if ref is None else ref

    def segments(self, text: str, node: Node, scope: Scope) -> list[Segment] | None:
        """The parts of a reference: names, numbers and `*` as text, indices as expressions."""
        parts = split_path(text)
        if parts is None:
            message = f"`{text}` is no reference"
            help = (
                "a reference is a name, or a path: `down.0.skip`, `down[i + 1].skip`, `down.*.skip`"
            )
            self.report.error("E0414", node.span, message, help=help)
            return None
        found: list[Segment] = []
        for part in parts:
            if not part.startswith("["):
                found.append(part)
                continue
            index = self.parsed(part[1:-1], node.span, scope)
            if index is None:
                return None
            found.append(index)
        return found

    def follow(
        self, start: Ref, parts: list[Segment], span: Span, scope: Scope | None
    ) -> Ref | None:
        """The value at the end of a path; `scope` is where it is read, None inside a structure."""
        place = self.places.get(start.owner)
        index: Index = None
        if place is None:
            return Ref(start.owner, self.output_slot(parts, start, span), span)
        if place.repeats and (not isinstance(parts[0], str) or not parts[0].isidentifier()):
            index, parts = index_of(parts[0], span), parts[1:]
            if scope is None and not self.is_fixed(index, place, span):
                return None
        if place.is_structure and parts:
            if place.repeats and index is None:
                message = f"`{place.name}` repeats, and this does not say which of its instances"
                inner = ".".join(str(part) for part in parts)
                help = f"write `{place.name}.0.{inner}`, `{place.name}[i].{inner}` or "
                help += f"`{place.name}.*.{inner}`"
                self.report.error("E0411", span, message, help=help)
                return None
            slot = self.enter(start.owner, place, parts, span)
            if slot is None:
                return None
        else:
            slot = self.output_slot(parts, start, span) if parts else ""
        if index is not None:
            self.kept.setdefault(start.owner, {})[slot] = None
        return Ref(start.owner, slot, span, index)

    def is_fixed(self, index: Index, place: Place, span: Span) -> bool:
        """Whether an index inside a structure is a number, as it must be."""
        if isinstance(index, Literal):
            return True
        message = f"which instance of `{place.name}` is meant must be a number here"
        help = "an expression or `*` stands behind the first name of a reference"
        self.report.error("E0415", span, message, help=help)
        return False

    def output_slot(self, parts: list[Segment], start: Ref, span: Span) -> str:
        """The name of an output; an index in it belongs to nothing."""
        if all(isinstance(part, str) for part in parts):
            slot = ".".join(str(part) for part in parts)
            return "" if self.is_value(start.owner, slot) else slot
        place = self.places.get(start.owner)
        name = start.slot if place is None else place.name
        message = f"`{name}` does not repeat, so it has no instances to choose from"
        self.report.error("E0415", span, message, help="take the `[…]` out")
        return ""

    def is_value(self, owner: int, slot: str) -> bool:
        """Whether an output of a step is its value under a name: the first of an imported model."""
        action = self.named[owner].action if owner in self.named else None
        return isinstance(action, CallModule) and self.modules[action.module].value == slot

    def enter(self, owner: int, place: Place, parts: list[Segment], span: Span) -> str | None:
        """The slot under which a structure hands out a value inside it, which it does from now on."""
        words = [str(part) if isinstance(part, str) else f"[{part}]" for part in parts]
        slot = ".".join(words)
        if len(parts) == 1 and (slot in place.branches or slot.isdecimal()):
            return slot
        inside, rest = place.scope, parts
        if words[0] in place.branches:
            inside, rest = place.branches[words[0]], parts[1:]
        found = inside.values.get(str(rest[0]))
        if found is None or found.owner in self.failed:
            if found is None:
                close = nearest(str(rest[0]), inside.values)
                help = f"did you mean `{close}`?" if close else "give the step inside a `name`"
                message = f"`{place.name}` holds no value called `{rest[0]}`"
                self.report.error("E0404", span, message, help=help)
            return None
        inner: Ref | None = found
        if len(rest) > 1:
            inner = self.follow(found, rest[1:], span, None)
        if inner is None:
            return None
        self.exports.setdefault(owner, {})[slot] = inner
        return slot

    def step_inputs(
        self, node: Node | None, action: Action, span: Span, scope: Scope, previous: Ref
    ) -> tuple[Ref | None, ...]:
        """The step's inputs in the order that its op or module declares them."""
        names = self.input_names(action)
        if node is None:
            given: list[Ref | None] = [] if names == () else [previous]
            if given and previous.key in self.without_input and not isinstance(action, Group):
                help = "give the block `inputs`, or the step a `from`"
                self.report.error("E0406", span, "nothing comes before this step", help=help)
            return self.fill(given, action, span)
        if isinstance(node, Mapping):
            by_name = {key.text: self.reference(value, scope) for key, value in node.entries}
            misspelt = [key for key, _ in node.entries if names and key.text not in names]
            for key in misspelt:
                self.unknown_key(key, names or (), "`from`")
            other = Ref(UNKNOWN, "", node.span) if misspelt else None  # perhaps what was meant
            return self.fill([by_name.get(name, other) for name in names or by_name], action, span)
        nodes = node.items if isinstance(node, Sequence) else [node]
        several = names is None and isinstance(node, Sequence)
        given = [self.reference(item, scope, several=several) for item in nodes]
        return self.fill(given, action, node.span)

    def refuse_moving_start(self, inputs: tuple[Ref | None, ...], loops: tuple[str, ...]) -> None:
        """Reports a repeated step that reads its first input anew for each instance."""
        first = inputs[0] if inputs else None
        if first is not None and uses_own_loop(first, loops):
            message = "each instance's first input is the value of the one before"
            help = "give what changes as a further input, or put the step into a `group`"
            assert first.span is not None
            self.report.error("E0417", first.span, message, help=help)

    def finished(self, body: Body) -> Body:
        """A module's body in which every structure hands out what references read in it."""
        if not self.exports and not self.kept:
            return body
        return body.replace(steps=tuple(self._finished(step) for step in body.steps))

    def _finished(self, step: Step) -> Step:
        exports = tuple(self.exports.get(step.id, {}).items())
        kept = tuple(self.kept.get(step.id, {}))
        return step.replace(action=self._inside(step.action), exports=exports, kept=kept)

    def _inside(self, action: Action) -> Action:
        if isinstance(action, Reuse):
            return Reuse(self._finished(action.step))
        return with_regions(action, self.finished)


def split_path(text: str) -> list[str] | None:
    """The parts of `name.part[index].*`, brackets kept; None where the text has another form."""
    parts: list[str] = []
    place = 0
    while place < len(text):
        start = place
        if text[place] == "[":
            depth = 0
            while place < len(text):
                depth += {"[": 1, "]": -1}.get(text[place], 0)
                place += 1
                if not depth:
                    break
            if depth:
                return None
        else:
            if parts:
                if text[place] != ".":
                    return None
                start += 1
            place = min((k for k in range(start, len(text)) if text[k] in ".["), default=len(text))
        part = text[start:place]
        is_name = part.isidentifier() or part.isdecimal()
        if not (is_name if not parts else is_name or part == "*" or part[:1] == "["):
            return None
        parts.append(part)
    return parts or None


def index_of(part: Segment, span: Span) -> Index:
    """Which instance a part of a reference means."""
    if part == EVERY:
        return EVERY
    return Literal(int(part), span) if isinstance(part, str) else part


def uses_own_loop(ref: Ref, loops: tuple[str, ...]) -> bool:
    """Whether a reference chooses an instance by a name that the reading step's repeat binds."""
    return ref.index is not None and ref.index != EVERY and bool(free_names(ref.index) & {*loops})
