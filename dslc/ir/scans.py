"""`scan`: a loop with carried state, from the tree to the IR.

What a round sees (its part of each `over` value, and the carries so far) are values of the scan's own
scope; everything around stays visible and whole. Outside, the scan has its stacked value and its
last carries, and nothing else: what a single round computed is gone.
"""

from __future__ import annotations

from dslc.diagnostics import mend, nearest
from dslc.ir.graph import Ref, Scan, round_slot
from dslc.ir.reading import is_nothing
from dslc.ir.reuse import ReuseReader
from dslc.ir.scope import Scope
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.graph import Body
    from dslc.source import Span
    from dslc.syntax.tree import Node, Scalar

SCAN_KEYS = ("over", "carry", "times", "steps", "next", "out", "reverse")


class ScanReader(ReuseReader):
    """Reads scans, and keeps the inputs of each; a subclass reads the steps inside."""

    def body(self, nodes: list[Node], scope: Scope, start: Ref) -> Body:
        """Steps in a row, the first reading `start` unless it says otherwise."""
        raise TypeError(f"no reader of {len(nodes)} steps from {start} in {scope}")

    def scan(self, key: Scalar, value: Node | None, scope: Scope, identifier: int) -> Scan | None:
        """A scan; its inputs, the `over` values and then the carries' starts, are kept aside."""
        fields = self.mapping(value, "`scan`")
        if fields is None and is_nothing(value):
            self.runs_over_nothing(key)
        if fields is None or not self.scan_is_whole(key, fields):
            return None
        over = self.named_references(fields.get("over"), "`over`", scope)
        carry = self.named_references(fields.get("carry"), "`carry`", scope)
        both = [name for name in carry if name in over]
        if both:
            message = f"`{both[0]}` is a name already in this scope"
            self.report.error("E0403", carry[both[0]][0], message)
        if both or not (over or carry):
            return None
        inside = Scope.within(scope)
        entries = {**over, **carry}
        for name, (span, _) in entries.items():
            inside.enter(name, Ref(identifier, round_slot(name), span))
        self.scan_inputs[identifier] = tuple(ref for _, ref in entries.values())
        times = fields.get("times")
        return Scan(
            tuple(over),
            tuple(carry),
            None if times is None else self.expression(times, scope),
            self.truth(fields.get("reverse"), "`reverse`"),
            self.scan_body(key, fields, inside, Ref(identifier, round_slot(next(iter(entries))))),
            self.next_carries(key, fields, tuple(carry), inside),
        )

    def scan_body(self, key: Scalar, fields: Mapping, inside: Scope, start: Ref) -> Body:
        """What a round does, and the value that it ends on: `out`, or its last step's."""
        nodes = fields.get("steps")
        if is_empty(nodes):
            self.has_no_steps(key, "list the ops under `steps:`, each behind `- `")
        body = self.body(self.items(nodes, "`steps`"), inside, start)
        out = fields.get("out")
        result = None if out is None else self.reference(out, inside)
        return body if result is None else body.replace(result=result)

    def has_no_steps(self, key: Scalar, help: str) -> None:
        """Reports a structure of nothing."""
        self.report.error("E0614", key.span, f"the {key.text} has no steps", help=help)

    def scan_is_whole(self, key: Scalar, fields: Mapping) -> bool:
        """Whether a scan says over what it runs or how often, and holds no other keys."""
        good = True
        for entry, _ in fields.entries:
            if entry.text not in SCAN_KEYS:
                good = False
                self.unknown_key(entry, SCAN_KEYS, "`scan`")
        over, times = fields.get("over"), fields.get("times")
        if good and is_empty(over) == is_empty(times):
            self.runs_over_nothing(key)
            return False
        if good and is_empty(over) and is_empty(fields.get("carry")):
            help = "write `carry: {h: start}` and `next: {h: step}`"
            message = "a `scan` without `over` has nothing to work on but its `carry`"
            self.report.error("E0650", key.span, message, help=help)
            return False
        return good

    def runs_over_nothing(self, key: Scalar) -> None:
        """Reports a scan that has both or neither of what says how often it runs."""
        help = "write `over: {x: sequence}`, or `times: n` where it runs over nothing"
        message = "`scan` takes either `over` or `times`"
        self.report.error("E0650", key.span, message, help=help)

    def named_references(
        self, node: Node | None, what: str, scope: Scope
    ) -> dict[str, tuple[Span, Ref | None]]:
        """References by name, each with where the name stands."""
        read = node.text if isinstance(node, Scalar) else "x"
        help = f"give each value a name inside: `{what.strip('`')}: {{v: {read}}}`"
        fields = self.mapping(node, what, help)
        found: dict[str, tuple[Span, Ref | None]] = {}
        for name, value in fields.entries if fields else ():
            if self.step_name(name) is not None:
                found[name.text] = name.span, self.reference(value, scope)
        return found

    def next_carries(
        self, key: Scalar, fields: Mapping, carry: tuple[str, ...], inside: Scope
    ) -> tuple[Ref, ...]:
        """The carries after a round, in the order of `carry`."""
        given = self.mapping(fields.get("next"), "`next`")
        found: dict[str, Ref] = {}
        for name, value in given.entries if given else ():
            if name.text not in carry:
                close = nearest(name.text, carry)
                help = f"did you mean `{close}`?" if close else "add it to `carry`, with its start"
                message = f"`next` speaks of `{name.text}`, which is no carry"
                fix = mend(name.span, name.text, close)
                self.report.error("E0651", name.span, message, help=help, fix=fix)
                continue
            ref = self.reference(value, inside)
            if ref is not None:
                found[name.text] = ref
        misspelt = given is not None and any(name.text not in carry for name, _ in given.entries)
        for name in carry:
            if name not in found and not misspelt:
                at = fields.key("next") or key
                help = f"write `next: {{{name}: step}}`: the step whose value it becomes"
                message = f"nothing says what the carry `{name}` becomes"
                self.report.error("E0651", at.span, message, help=help)
        return tuple(found[name] for name in carry if name in found)


def is_empty(node: Node | None) -> bool:
    """Whether there is no node, or one that holds nothing."""
    if isinstance(node, Mapping):
        return not node.entries
    return is_nothing(node) or (isinstance(node, Sequence) and not node.items)
