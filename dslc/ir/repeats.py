"""`repeat` in its forms, and the names that it makes visible."""

from __future__ import annotations

from dslc.ir.graph import Repeat
from dslc.ir.reading import is_snake
from dslc.ir.scans import ScanReader
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.scope import Scope
    from dslc.syntax.tree import Node

REPEAT_KEYS = ("times", "over", "as", "index", "share")


class RepeatReader(ScanReader):
    """Reads what a step says about its repetition."""

    def repeat(self, node: Node | None, scope: Scope) -> tuple[Repeat | None, tuple[str, ...]]:
        """`repeat` in any of its forms, and the names that it makes visible."""
        if node is None:
            return None, ()
        if not isinstance(node, Mapping):
            times = self.expression(node, scope)
            return Repeat(times, None, (), None, False, node.span), ()
        self.only_keys(node, REPEAT_KEYS, "`repeat`")
        over, times = node.get("over"), node.get("times")
        misspelt = any(key.text not in REPEAT_KEYS for key, _ in node.entries)
        if (over is None) == (times is None) and not misspelt:
            self.report.error("E0609", node.span, "`repeat` takes either `times` or `over`")
        names = self.item_names(node.get("as"))
        index = node.get("index")
        index_name = None if index is None else self.loop_name(index)
        found = Repeat(
            None if times is None else self.expression(times, scope),
            None if over is None else self.expression(over, scope),
            names,
            index_name,
            self.truth(node.get("share"), "`share`"),
            node.span,
        )
        return found, (*names, *((index_name,) if index_name else ()))

    def item_names(self, node: Node | None) -> tuple[str, ...]:
        """The names in `as`: one, or several that unpack an item."""
        if node is None:
            return ()
        nodes = node.items if isinstance(node, Sequence) else [node]
        return tuple(name for item in nodes if (name := self.loop_name(item)))

    def loop_name(self, node: Node) -> str | None:
        """A name that a repeat binds."""
        if isinstance(node, Scalar) and is_snake(node.text):
            return node.text
        self.report.error("E0402", node.span, "an index or item has a name in snake_case")
        return None
