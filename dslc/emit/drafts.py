"""A constructor before it is known which carried dims it needs.

Whether a loop must carry a dim shows only when everything after it has been written. So loops stay
drafts, in which a carried dim stands by its symbol, until the end; then unused ones vanish.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, final

from dslc.emit.backend import BuildError
from dslc.emit.python import For, If, Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.names import Names
    from dslc.emit.python import Statement

CARRY = re.compile(r"\bCarry\d+_\d+\b")


@final
class CarryDraft:
    """A dim that a loop may carry; its texts are only written where it is needed.

    `start` and `update` write its value before the loop and after each round; `depends` are the
    symbols in them.
    """

    __slots__ = ("depends", "start", "symbol", "update", "wanted")

    def __init__(
        self,
        symbol: str,
        wanted: str,
        start: Callable[[], str],
        update: Callable[[], str],
        depends: frozenset[str],
    ) -> None:
        self.symbol = symbol
        self.wanted = wanted
        self.start = start
        self.update = update
        self.depends = depends


@final
class LoopDraft:
    """A list of layers, one for each round."""

    __slots__ = ("carries", "constructor", "index", "iterable", "names", "own", "times")

    def __init__(
        self,
        own: str,
        constructor: str,
        index: str | None,
        names: list[str],
        iterable: str,
        carries: list[CarryDraft],
        *,
        times: bool,
    ) -> None:
        self.own = own
        self.constructor = constructor
        self.index = index
        self.names = names
        self.iterable = iterable
        self.carries = carries
        self.times = times


@final
class IfDraft:
    """Layers that are only made under a condition."""

    __slots__ = ("body", "condition")

    def __init__(self, condition: str, body: list[Draft]) -> None:
        self.condition = condition
        self.body = body


Draft = str | LoopDraft | IfDraft


class Drafts:
    """Turns a constructor's drafts into statements."""

    def __init__(
        self,
        drafts: list[Draft],
        names: Names,
        parameters: Callable[[], set[str]],
        listed: Callable[[str], str],
        new_list: str,
    ) -> None:
        self.drafts = drafts
        self.names = names
        self.parameters = parameters
        self.listed = listed
        self.new_list = new_list
        self.carries = {c.symbol: c for loop in loops(drafts) for c in loop.carries}
        self.used = self.needed()
        self.variables = self.allocate()

    def needed(self) -> set[str]:
        """The carried dims that some statement reads, straight or through another one."""
        waiting = [symbol for text in texts(self.drafts) for symbol in CARRY.findall(text)]
        used: set[str] = set()
        while waiting:
            symbol = waiting.pop()
            if symbol not in used:
                if symbol not in self.carries:
                    uncarried(symbol)
                used.add(symbol)
                waiting += self.carries[symbol].depends & self.carries.keys()
        return used

    def allocate(self) -> dict[str, str]:
        """A variable for each; a parameter that it starts from and nothing reads later serves."""
        found: dict[str, str] = {}
        for loop in loops(self.drafts):
            self.names.reserve(*loop.names, *((loop.index,) if loop.index else ()))
        for position, draft in enumerate(self.drafts):
            if not isinstance(draft, LoopDraft):
                continue
            for carry in draft.carries:
                if carry.symbol not in self.used:
                    continue
                others = [c.update() for c in draft.carries if c.symbol in self.used]
                later = texts(self.drafts[position + 1 :])
                rest = " ".join([*later, draft.constructor, *others])
                start = carry.start()
                free = not re.search(rf"\b{re.escape(start)}\b", rest)
                reuse = start.isidentifier() and start in self.parameters() and free
                found[carry.symbol] = start if reuse else self.names.fresh(carry.wanted)
        for symbol in sorted(self.used - found.keys()):
            found[symbol] = self.names.fresh(self.carries[symbol].wanted)
        return found

    def statements(self) -> list[Statement]:
        """The constructor's statements."""
        return [line for draft in self.drafts for line in self.render(draft)]

    def render(self, draft: Draft) -> list[Statement]:
        """The statements of one draft."""
        if isinstance(draft, str):
            return [Line(self.final(draft))]
        if isinstance(draft, IfDraft):
            body = [line for inner in draft.body for line in self.render(inner)]
            return [If(self.final(draft.condition), body)]
        return self.render_loop(draft)

    def render_loop(self, draft: LoopDraft) -> list[Statement]:
        """A comprehension, or a loop that carries dims."""
        carried = [carry for carry in draft.carries if carry.symbol in self.used]
        updates = [f"{carry.symbol} = {carry.update()}" for carry in carried]
        constructor = self.final(draft.constructor)
        target, iterable = self.header(draft, " ".join([constructor, *updates]))
        if not carried:
            text = self.listed(f"{constructor} for {target} in {iterable}")
            return [Line(f"{draft.own} = {text}")]
        lines: list[Statement] = [Line(f"{draft.own} = {self.new_list}")]
        for carry in carried:
            start = self.final(carry.start())
            if start != self.variables[carry.symbol]:
                lines.append(Line(f"{self.variables[carry.symbol]} = {start}"))
        body: list[Statement] = [Line(f"{draft.own}.append({constructor})")]
        body += [Line(shortened(self.final(update))) for update in updates]
        return [*lines, For(target, iterable, body)]

    def header(self, draft: LoopDraft, text: str) -> tuple[str, str]:
        """The loop's target and iterable, with only the names that its body reads."""
        words = frozenset(re.findall(r"[A-Za-z_]\w*", text))
        iterable = self.final(draft.iterable)
        return loop_header(draft.index, draft.names, iterable, words, times=draft.times)

    def final(self, text: str) -> str:
        """A text with carried dims by their variables."""
        return CARRY.sub(lambda match: self.variables[match.group()], text)


def loop_header(
    index: str | None, names: list[str], iterable: str, words: frozenset[str], *, times: bool
) -> tuple[str, str]:
    """A loop's target and iterable, with only the names among the words that its body reads."""
    items = [name if name in words else "_" for name in names]
    item = items[0] if len(items) == 1 else f"({', '.join(items)})" if items else "_"
    index = index if index in words else None
    if times:
        return index or "_", f"range({iterable})"
    if index is None:
        return item.strip("()"), iterable
    if set(items) <= {"_"}:
        return index, f"range(len({iterable}))"
    return f"{index}, {item}", f"enumerate({iterable})"


def uncarried(name: str) -> str:
    """A name where the loop is not that carries a dim, which is refused there."""
    if CARRY.match(name):
        raise BuildError("a size that changes inside a block's loop has no form outside it")
    return name


def shortened(update: str) -> str:
    """`channels = channels + growth` as `channels += growth`."""
    node = ast.parse(update).body[0]
    assert isinstance(node, ast.Assign)
    target, value = node.targets[0], node.value
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        for this, other in ((value.left, value.right), (value.right, value.left)):
            if ast.dump(this).replace("Load", "Store") == ast.dump(target):
                return f"{ast.unparse(target)} += {ast.unparse(other)}"
    return update


def loops(drafts: list[Draft]) -> list[LoopDraft]:
    """Every loop among drafts."""
    found: list[LoopDraft] = []
    for draft in drafts:
        if isinstance(draft, LoopDraft):
            found.append(draft)
        elif isinstance(draft, IfDraft):
            found += loops(draft.body)
    return found


def texts(drafts: list[Draft]) -> list[str]:
    """Every text that is written in any case."""
    found: list[str] = []
    for draft in drafts:
        if isinstance(draft, str):
            found.append(draft)
        elif isinstance(draft, LoopDraft):
            found += [draft.constructor, draft.iterable]
        else:
            found += [draft.condition, *texts(draft.body)]
    return found
