"""`reuse`: a named step once more, on another input."""

from __future__ import annotations

from dslc.diagnostics import Label, mend, nearest
from dslc.ir.formulas import FormulaReader
from dslc.ir.graph import Ref, Reuse, Scan
from dslc.syntax.tree import Scalar
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.graph import Step
    from dslc.ir.scope import Scope
    from dslc.syntax.tree import Node

REUSE_KEYS = ("name", "from", "type", "doc")


class ReuseReader(FormulaReader):
    """Reads `reuse` and makes names known; a subclass reads all other steps."""

    last_id: int = 0

    def declare(self, name: Scalar | None, identifier: int, scope: Scope) -> None:
        """Makes a step's value visible to the steps after it; the first of one name stays."""
        if name is not None and (self.claim(name, scope) or name.text not in scope.values):
            scope.values[name.text] = Ref(identifier, "", name.span)

    def claim(self, name: Scalar, scope: Scope, *, help: str | None = None) -> bool:
        """Takes a name in a scope; reports one that something there has already."""
        text = name.text
        first = scope.spans.get(text) or scope.given.get(text)
        if first is None and text not in scope.names | scope.entries:
            scope.spans[text] = name.span
            return True
        labels = [] if first is None else [Label(first, "first here")]
        message = f"`{text}` is a name already in this scope"
        if text in scope.given and text not in scope.spans:
            message = f"`{text}` is what a step above without a name is called"
            help = help or "give that step a name, or this one another"
        help = help or "give one of them another name"
        self.report.error("E0403", name.span, message, labels=labels, help=help)
        return False

    def reuse(
        self,
        key: Scalar,
        value: Node | None,
        keys: dict[str, Node],
        name: Scalar | None,
        scope: Scope,
        previous: Ref,
    ) -> Step | None:
        """`reuse: name`: the named step once more, all but its input as it is there."""
        identifier = self.last_id
        text = None if value is None else self.text(value, "`reuse`")
        found = None if text is None else scope.find(text)
        target = None if found is None else self.named.get(found.owner)
        if target is None:
            self.declare(name, identifier, scope)
            self.failed.add(identifier)
            if found is None or found.owner not in self.failed:
                self.unknown_target(key, value, text, scope)
            return None
        for word, node in keys.items():
            if word not in REUSE_KEYS:
                self.unknown_key(Scalar(word, "plain", node.span), REUSE_KEYS, "`reuse`")
        if isinstance(target.action, Reuse):
            target = target.action.step
        place = self.places[target.id]
        self.exports[identifier] = self.exports.setdefault(target.id, {})
        self.places[identifier] = place
        inputs = self.step_inputs(keys.get("from"), target.action, key.span, scope, previous)
        self.declare(name, identifier, scope)  # only now: no step reads itself
        if isinstance(target.action, Scan):  # what `from` leaves out starts as it does there
            inputs = tuple(own or there for own, there in zip(inputs, target.inputs, strict=True))
        step = target.replace(
            id=identifier,
            name=None if name is None else name.text,
            action=Reuse(target),
            inputs=inputs,
            type=self.type(keys["type"]) if "type" in keys else None,
            doc=self.text(keys["doc"], "`doc`") if "doc" in keys else None,
            span=key.span,
        )
        if name is not None:
            self.named[identifier] = step
        return step

    def unknown_target(
        self, key: Scalar, value: Node | None, text: str | None, scope: Scope
    ) -> None:
        """Reports a `reuse` of what is no step."""
        names = {word for word in scope.all_values() if self.is_step(word, scope)}
        close = nearest(text or "", names)
        help = f"did you mean `{close}`?" if close else "give the step above a `name`"
        span = key.span if value is None else value.span
        message, fix = f"no step above is called `{text or ''}`", mend(span, text or "", close)
        self.report.error("E0416", span, message, help=help, fix=fix)

    def is_step(self, name: str, scope: Scope) -> bool:
        """Whether a visible name is a step's."""
        found = scope.find(name)
        return found is not None and found.owner in self.named
