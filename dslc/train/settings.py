"""Settings out of the tree: values checked by their descriptors, choices by name.

A setting may be any expression over the file's params; a word (`precision: f32`) stands for itself.
"""

from __future__ import annotations

from dslc.diagnostics import meant, nearest
from dslc.ir.reading import Reader
from dslc.ops.attributes import InvalidAttribute
from dslc.syntax.expressions import ExpressionError, evaluate, free_names
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.train.choices import Parts
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping as ReadOnly
    from collections.abc import Set as AbstractSet
    from typing import TypeVar

    from dslc.diagnostics import Report
    from dslc.ir.imported_names import Units
    from dslc.ir.scope import Scope
    from dslc.ops.attributes import Attribute
    from dslc.source import Span
    from dslc.syntax.tree import Node
    from dslc.train.choices import Choice

    C = TypeVar("C", bound=Choice)


class Unread(Exception):
    """A value that was not understood, and has been reported."""


class SettingsReader(Reader):
    """Reads settings; names in expressions are the file's params."""

    def __init__(
        self,
        report: Report,
        scope: Scope,
        values: ReadOnly[str, object],
        imported: Units | None = None,
    ) -> None:
        super().__init__(report, imported)
        self.scope = scope
        self.values = values

    def choice(self, kind: type[C], node: Node) -> C | None:
        """A choice: a word, or `{word: settings}`; None after an error."""
        key, value = node, None
        if isinstance(node, Mapping) and len(node.entries) == 1:
            key, value = node.entries[0]
        if not isinstance(key, Scalar):
            message = f"a {kind.kind} is a word or `{{word: {{…}}}}`"
            self.report.error("E0804", node.span, message)
            return None
        found = kind.choices.get(key.text)
        if found is None:
            close = nearest(key.text, kind.choices)
            help = f"did you mean `{close}`?" if close else f"there are {', '.join(kind.choices)}"
            message = f"no {kind.kind} is called `{key.text}`"
            self.report.error("E0802", key.span, message, help=help)
            return None
        return self.made(found, key, value)  # pyright: ignore[reportReturnType]

    def made(self, choice: type[Choice], key: Scalar, value: Node | None) -> Choice | None:
        """A choice with its settings; a bare value sets the primary one."""
        where = f"`{choice.name}`"
        if value is None or isinstance(value, Mapping):
            entries: list[tuple[Scalar, Node]] = value.entries if value is not None else []
        elif isinstance(value, Scalar) and value.style == "plain" and value.value is None:
            entries = []
        elif choice.primary is None:
            message = f"{where} takes settings by name: {', '.join(choice.attributes)}"
            self.report.error("E0804", value.span, message)
            return None
        else:
            entries = [(Scalar(choice.primary, "plain", value.span), value)]
        return self.settings(choice, Mapping(entries, key.span), where)

    def settings(
        self,
        choice: type[C],
        fields: Mapping,
        where: str,
        others: tuple[str, ...] = (),
        needs: tuple[str, ...] = (),
        misspelt: AbstractSet[str | None] = frozenset(),
    ) -> C | None:
        """A choice from its settings by name.

        Args:
            choice: Its class.
            fields: The settings.
            where: What messages call it.
            others: Keys that someone else reads.
            needs: Keys among them that have to be there.
            misspelt: Keys that are there, but for a mistake that has been reported.
        """
        values: dict[str, object] = {}
        spans: dict[str, Span] = {}
        good = not misspelt
        for key, value in fields.entries:
            attribute = choice.attributes.get(key.text)
            if attribute is None:
                if key.text not in others:
                    self.unknown_setting(key, (*choice.attributes, *others), where)
                    good = False
                continue
            spans[key.text] = value.span
            try:
                values[key.text] = self.value(attribute, value)
            except Unread:
                good = False
        missing = missing_settings(choice, fields, others, needs)
        missing = [name for name in missing if name not in misspelt]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            help = "`dslc explain E0801` shows a whole section"
            self.report.error("E0801", fields.span, f"{where} needs {names}", help=help)
            good = False
        if not good:
            return None
        try:
            return choice(values)
        except InvalidAttribute as error:
            self.report.error("E0804", spans.get(error.name, fields.span), error.message)
            return None

    def unknown_setting(self, key: Scalar, known: tuple[str, ...], where: str) -> None:
        """Reports a setting that nothing reads."""
        close = meant(key.text, known)
        help = f"did you mean `{close}`?" if close else f"it takes {', '.join(known)}"
        self.report.error("E0803", key.span, f"{where} has no `{key.text}`", help=help)

    def value(self, attribute: Attribute, node: Node) -> object:
        """A setting's value, checked; raises `Unread` after reporting one that is wrong."""
        found = self.raw(attribute, node)
        try:
            return attribute.check(found)
        except InvalidAttribute as error:
            close = nearest(str(found), attribute.words) if attribute.words else None
            help = f"did you mean `{close}`?" if close else None
            self.report.error("E0804", node.span, error.message, help=help)
            raise Unread from error

    def parts_of(self, attribute: Parts, node: Node) -> tuple[Choice, ...]:
        """A list of mappings, each as a choice."""
        found: list[Choice | None] = []
        for item in node.items if isinstance(node, Sequence) else [node]:
            fields = self.mapping(item, f"an item of `{attribute.name}`")
            where = f"a {attribute.choice.kind}"
            found.append(None if fields is None else self.settings(attribute.choice, fields, where))
        if any(part is None for part in found):
            raise Unread
        return tuple(part for part in found if part is not None)

    def raw(self, attribute: Attribute, node: Node) -> object:
        """What stands in a slot: texts, mappings, or an evaluated expression."""
        if isinstance(attribute, Parts):
            return self.parts_of(attribute, node)
        if attribute.reads == "texts":
            nodes = node.items if isinstance(node, Sequence) else [node]
            texts = [self.text(item, f"`{attribute.name}`") for item in nodes]
            if any(text is None for text in texts):
                raise Unread
            return tuple(texts)
        word = attribute.reads == "word"
        expression = self.word(node, self.scope) if word else self.expression(node, self.scope)
        if expression is None or free_names(expression) - self.values.keys():
            raise Unread  # what a name lacks has been reported where it was missed
        try:
            return evaluate(expression, self.values)
        except ExpressionError as error:
            self.report.error(error.code, error.span, error.message, help=error.help)
            raise Unread from error


def missing_settings(
    choice: type[Choice], fields: Mapping, others: tuple[str, ...], needs: tuple[str, ...]
) -> list[str]:
    """The settings that have to be there and are not, not even misspelt."""
    known = (*choice.attributes, *others)
    misspelt = {meant(key.text, known) for key, _ in fields.entries if key.text not in known}
    required = [name for name, item in choice.attributes.items() if item.required]
    every = (*needs, *required)
    return [name for name in every if fields.get(name) is None and name not in misspelt]
