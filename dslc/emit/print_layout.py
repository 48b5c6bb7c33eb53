"""The layout engine of the printer: a document with possible line breaks becomes lines of text.

A document is text, a possible break, or a list of documents, wrapped in groups. A group stays on
one line if it fits in the width that is left, else its breaks become line breaks; inner groups
decide for themselves. Beside the classic group there are the few forms that today's Python style
needs: parentheses that appear only where something breaks, and content that may expand without
making the parentheses around it appear.
"""

from typing import Final

WIDTH: Final = 100
STEP: Final = 4


class Break:
    """A place where a line may end; printed as `flat` where it does not."""

    __slots__ = ("flat",)

    def __init__(self, flat: str) -> None:
        self.flat = flat


SOFT: Final = Break("")
SPACE: Final = Break(" ")
HARD: Final = Break("\n")


class Node:
    """Any wrapper around documents."""

    __slots__ = ("content", "name")

    def __init__(self, content: "Doc", name: int = 0) -> None:
        self.content = content
        self.name = name


class Group(Node):
    """One line if it fits, else broken. Others may ask by `name` which of the two it became."""

    __slots__ = ()


class Expanded(Node):
    """A group that is always broken."""

    __slots__ = ()


class GroupIfBroken(Node):
    """A group where the group `name` is broken, else nothing but its content."""

    __slots__ = ()


class Indent(Node):
    """Content whose line breaks are indented one step more."""

    __slots__ = ()


class IndentIfBroken(Node):
    """Content indented where the group `name` is broken."""

    __slots__ = ()


class IfBroken(Node):
    """Content that is printed only where the group `name` (0: the one around) is broken."""

    __slots__ = ()


class IfFlat(Node):
    """Content that is printed only where the group `name` is on one line."""

    __slots__ = ()


class MayExpand(Node):
    """Content that counts as fitting once it is expanded, while the group `name` is flat."""

    __slots__ = ()


class BestParentheses(Node):
    """Content parenthesised on lines of its own, but only where that makes it fit."""

    __slots__ = ()


class Choice:
    """Alternatives, flattest first: the first that fits, else the last, broken."""

    __slots__ = ("variants",)

    def __init__(self, variants: "list[Doc]") -> None:
        self.variants = variants


Doc = str | Break | Node | Choice | list["Doc"]

# How far a measurement looks: to the first line's end, over all lines, or over all lines while
# text may overflow.
_FIRST: Final = 0
_ALL: Final = 1
_OVERFLOW: Final = 2

# A document to print, whether it is on one line, its indentation, and how it is measured.
_Entry = tuple[Doc, bool, int, int]


def text_width(text: str) -> int:
    """Columns that a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    import unicodedata

    width = 0
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            width += 2
        elif unicodedata.category(character) not in ("Mn", "Me", "Cf"):
            width += 1
    return width


def layout(document: Doc, indent: int = 0) -> str:
    """Prints a document.

    Args:
        document: What to print.
        indent: Columns of indentation of the statement.

    Returns:
        Its lines, joined by newlines, the first one indented too.
    """
    return _Layout(document, indent).run()


def one_line(document: Doc) -> str:
    """Prints a document on one line, however long."""
    if isinstance(document, str):
        return document
    if isinstance(document, Break):
        return document.flat
    if isinstance(document, list):
        return "".join(one_line(part) for part in document)
    if isinstance(document, Choice):
        return one_line(document.variants[0])
    return "" if isinstance(document, IfBroken) else one_line(document.content)


class _Layout:
    """The state of one run."""

    def __init__(self, document: Doc, indent: int) -> None:
        self.queue: list[_Entry] = [(document, False, indent, _FIRST)]
        self.output: list[str] = []
        self.broken: dict[int, bool] = {}
        self.column = 0
        self.pending = indent
        self.measured = False

    def run(self) -> str:
        while self.queue:
            element, flat, indent, measure = self.queue.pop()
            if isinstance(element, str):
                self._text(element)
            elif isinstance(element, list):
                self.queue.extend((part, flat, indent, measure) for part in reversed(element))
            elif isinstance(element, Break):
                self._break(element, flat, indent)
            elif isinstance(element, Choice):
                self._choose(element, flat, indent, measure)
            elif isinstance(element, BestParentheses):
                self._best_parentheses(element, flat, indent, measure)
            else:
                self._node(element, flat, indent, measure)
        return "".join(self.output)

    def _text(self, text: str) -> None:
        if text:
            self.output.append(" " * self.pending + text)
            self.column += self.pending + text_width(text)
            self.pending = 0

    def _break(self, element: Break, flat: bool, indent: int) -> None:
        if flat and element is not HARD:
            self._text(element.flat)
            return
        self.output.append("\n")
        self.column = 0
        self.pending = indent
        self.measured = False

    def _node(self, element: Node, flat: bool, indent: int, measure: int) -> None:
        name = element.name
        if isinstance(element, Group) or (isinstance(element, GroupIfBroken) and self.broken[name]):
            own = name if isinstance(element, Group) else 0
            flat = self._stays_flat(element.content, own, flat, indent, measure)
        elif isinstance(element, Expanded):
            flat = False
        elif isinstance(element, Indent) or (
            isinstance(element, IndentIfBroken) and self.broken[name]
        ):
            indent += STEP
        elif isinstance(element, MayExpand):
            if not name or not self.broken[name]:
                self.measured = False
        elif isinstance(element, (IfBroken, IfFlat)) and not self._shown(element, flat):
            return
        self.queue.append((element.content, flat, indent, measure))

    def _shown(self, element: IfBroken | IfFlat, flat: bool) -> bool:
        broken = self.broken[element.name] if element.name else not flat
        return broken == isinstance(element, IfBroken)

    def _stays_flat(self, content: Doc, name: int, flat: bool, indent: int, measure: int) -> bool:
        if not (flat and self.measured):
            self.measured = True
            if name:
                self.broken[name] = False
            flat = self._fits(content, True, indent, measure)
        if name:
            self.broken[name] = not flat
        return flat

    def _best_parentheses(
        self, element: BestParentheses, flat: bool, indent: int, measure: int
    ) -> None:
        wrapped: Doc = ["(", Indent([HARD, element.content]), HARD, ")"]
        if self._stays_flat(element.content, element.name, flat, indent, measure):
            self.queue.append((element.content, True, indent, measure))
            return
        self.broken[element.name] = True
        if self._fits(wrapped, flat, indent, _ALL):
            self.broken[element.name] = True
            self.queue.append((wrapped, False, indent, measure))
        else:
            self.broken[element.name] = False
            self.queue.append((element.content, True, indent, measure))

    def _choose(self, element: Choice, flat: bool, indent: int, measure: int) -> None:
        if flat and self.measured:
            self.queue.append((element.variants[0], True, indent, measure))
            return
        self.measured = True
        for variant in element.variants[:-1]:
            if self._fits(variant, True, indent, _FIRST):
                self.queue.append((variant, True, indent, measure))
                return
        self.queue.append((element.variants[-1], False, indent, measure))

    def _fits(self, content: Doc, flat: bool, indent: int, measure: int) -> bool:
        """Whether content and what follows it fit up to the next line break."""
        column, pending = self.column, self.pending
        stack: list[_Entry] = [(content, flat, indent, measure)]
        rest = len(self.queue)
        while stack or rest:
            if not stack:
                rest -= 1
                stack.append(self.queue[rest])
            element, flat, indent, measure = stack.pop()
            if isinstance(element, Break):
                if flat and element is not HARD:
                    element = element.flat
                elif flat or measure == _FIRST:
                    return True
                else:
                    column, pending = 0, indent
                    continue
            if isinstance(element, str):
                if element:
                    column += pending + text_width(element)
                    pending = 0
                    if column > WIDTH and measure != _OVERFLOW:
                        return False
            elif isinstance(element, list):
                stack.extend((part, flat, indent, measure) for part in reversed(element))
            else:
                self._measure(element, flat, indent, measure, stack)
        return True

    def _measure(
        self, element: Node | Choice, flat: bool, indent: int, measure: int, stack: list[_Entry]
    ) -> None:
        if isinstance(element, Choice):
            variant = element.variants[0 if flat else -1]
            stack.append((variant, flat, indent, _FIRST if flat else measure))
            return
        name = element.name
        if isinstance(element, (Group, BestParentheses, Expanded)):
            flat = flat and not isinstance(element, Expanded)
            if name:
                self.broken[name] = not flat
        elif isinstance(element, Indent) or (
            isinstance(element, IndentIfBroken) and self.broken[name]
        ):
            indent += STEP
        elif isinstance(element, MayExpand):
            if flat and (not name or not self.broken[name]):
                flat, measure = False, _OVERFLOW
        elif isinstance(element, (IfBroken, IfFlat)) and not self._shown(element, flat):
            return
        stack.append((element.content, flat, indent, measure))
