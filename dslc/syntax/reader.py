"""Reads YAML into a tree with spans, on PyYAML's C event stream.

The events are the only part of PyYAML that stands hostile input: its composers die or hang on deep
nesting, alias bombs and merge chains. So the tree is built here, in one loop without recursion that
counts as it goes. The loop does the least that a node needs, since a check of a large spec spends
most of its time in it; everything rarer is decided once for the whole text or at a container's end.
"""

from __future__ import annotations

from yaml._yaml import CParser
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from dslc.collector import collector_paused
from dslc.diagnostics import Label, Report, nearest, quote
from dslc.limits import DEFAULT_LIMITS, Limits
from dslc.source import Source, Span
from dslc.syntax.pitfalls import (
    check_flow_items,
    check_name,
    check_range,
    check_text,
    is_missing,
    mend_flow_entries,
)
from dslc.syntax.tree import Mapping, Node, Scalar, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Event = Any

_TAGS_HELP = "leave the tag out; text that begins with `!` is quoted"
_SETS_LIMIT = "`--limit {}=…` allows more"


class _StopError(Exception):
    """Reading cannot go on; the reason is in the report."""


def read(source: Source, report: Report, limits: Limits = DEFAULT_LIMITS) -> Node | None:
    """Reads one YAML document.

    Args:
        source: the text.
        report: takes what is wrong with it.
        limits: `file_bytes`, `depth`, `nodes` and `scalar_bytes` bound the work.

    Returns:
        The tree, or None where the text cannot be read to its end. A tree may come with errors in
        the report, as of a duplicate key; what is left of it can still be checked.
    """
    reader = _Reader(source, report, limits)
    try:
        reader.check_size()
        with collector_paused():
            root = reader.build()
    except _StopError:
        return None
    except (YAMLError, UnicodeEncodeError) as error:
        from dslc.syntax.yaml_errors import report_yaml_error

        report_yaml_error(error, source, report)
        return None
    check_text(root, source, reader.unused_anchors(), report)
    return root


class _Reader:
    """One pass over the events."""

    def __init__(self, source: Source, report: Report, limits: Limits) -> None:
        self.file = source.path
        self.text = source.text
        self.report = report
        self.limits = limits
        self.count = 0
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.open_anchors: set[str | None] = set()
        self.used_anchors: set[str] = set()
        self.good_keys: set[str] = set()
        self.has_parentheses = "(" in self.text

    def check_size(self) -> None:
        """Refuses a text that is too large before any of it is parsed."""
        most = self.limits.file_bytes
        if len(self.text) > most:
            span = Span(self.file, 1, 1, 1, 2)
            help = _SETS_LIMIT.format("file_bytes")
            raise self.stop("E0901", span, f"the file is larger than {most} bytes", help)

    def build(self) -> Node:
        """The document's root node."""
        file, depth_most = self.file, self.limits.depth
        decorated = "&" in self.text or "!" in self.text
        next_event: Any = CParser(self.text).get_event
        stack: list[tuple[list[Node], Event, int, int]] = []
        items: list[Node] = []
        height = 0
        for _ in range(2 * self.limits.nodes + 8):
            event: Event = next_event()
            kind: object = event.__class__
            if kind is ScalarEvent:
                first, last = event.start_mark, event.end_mark
                place = (file, first.line, first.column, last.line, last.column)
                node = Scalar(event.value, event.style or "plain", place)
                items.append(node)
                if len(node.text) > 18:
                    self.check_long(node)
                if decorated and (event.anchor or event.tag):
                    self.decorate(event, node, 1, 0)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if len(stack) >= depth_most:
                    raise self.too_deep(self.span(event))
                if decorated:
                    self.open_anchors.add(event.anchor)
                stack.append((items, event, self.count, height))
                items, height = [], 0
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                outer, start, count, outer_height = stack.pop()
                node = self.close(items, start, event)
                if decorated:
                    self.decorate(start, node, self.count - count + 1, height + 1)
                items, height = outer, max(height + 1, outer_height)
                items.append(node)
            elif kind is AliasEvent:
                node, alias_height = self.alias(event, len(stack))
                height = max(height, alias_height)
                items.append(node)
            elif kind is DocumentStartEvent and items:
                raise self.second_document(event)
            elif kind is StreamEndEvent:
                return self.root(items)
        raise self.too_many(Span(file, 1, 1, 1, 2))

    def check_long(self, scalar: Scalar) -> None:
        """Refuses a text beyond the limit, and a number of so many digits that it has no place."""
        if len(scalar.text) > self.limits.scalar_bytes:
            raise self.too_long(scalar)
        check_range(scalar, self.report)

    def close(self, items: list[Any], start: Event, end: Event) -> Node:
        """The container that an end event completes, counted and checked."""
        first, last = start.start_mark, end.end_mark
        place = (self.file, first.line, first.column, last.line, last.column)
        self.count += len(items)
        if self.count > self.limits.nodes:
            raise self.too_many(self.span(start))
        if start.__class__ is MappingStartEvent:
            return self.mapping(items, place, start)
        if start.flow_style and self.has_parentheses:
            check_flow_items(items, self.report)
        return Sequence(items, place)

    def mapping(self, items: list[Any], place: Any, start: Event) -> Mapping:
        """A mapping of keys and values that stand in turn in `items`."""
        in_turn = iter(items)
        entries: list[tuple[Any, Any]] = list(zip(in_turn, in_turn, strict=False))
        try:
            index = {key.text: value for key, value in entries}
        except AttributeError:
            return self.checked_mapping(entries, place)
        if len(index) == len(entries) and self.good_keys.issuperset(index):
            return Mapping(entries, place, index)
        if start.flow_style:
            entries = mend_flow_entries(entries, self.report)
        return self.checked_mapping(entries, place)

    def checked_mapping(self, entries: list[tuple[Any, Any]], place: Any) -> Mapping:
        """A mapping of the entries whose keys are words and stand once; the others are reported."""
        first: dict[str, Scalar] = {}
        kept: list[tuple[Scalar, Node]] = []
        meant: list[Node] = []
        for key, value in entries:
            if not self.check_key(key):
                meant.append(value)
                continue
            if key.text in first:
                self.report_duplicate(key, first[key.text])
                continue
            first[key.text] = key
            kept.append((key, value))
        for value in meant:
            self.merge(value, first, kept)
        return Mapping(kept, place)

    def merge(self, value: Node, first: dict[str, Scalar], kept: list[tuple[Scalar, Node]]) -> None:
        """Adds what a merge key brings, which is refused: so nothing seems to be missing after it."""
        for source in value.items if isinstance(value, Sequence) else [value]:
            for key, inner in source.entries if isinstance(source, Mapping) else ():
                if key.text not in first and self.count < self.limits.nodes:
                    self.count += 1
                    first[key.text] = key
                    kept.append((key, inner))

    def check_key(self, key: Node) -> bool:
        """Reports what is wrong with a key; whether its entry can be kept."""
        if not isinstance(key, Scalar):
            message = "a key must be a word, not a list or a mapping"
            help = "text that holds `[`, `]`, `{` or `}` is quoted"
            raise self.stop("E0109", key.span, message, help)
        if key.text == "<<" and key.plain:
            help = "set attributes of an op in `defaults`, and name repeated steps in `blocks`"
            self.report.error("E0107", key.span, "merge keys (`<<`) are not supported", help=help)
            return False
        if not key.text:
            help = "write a word before the colon"
            raise self.stop("E0109", key.span, "there is no key before the colon", help)
        if check_name(key, "key", self.report) and not {":", ")"}.intersection(key.text):
            self.good_keys.add(key.text)
        return True

    def report_duplicate(self, key: Scalar, first: Scalar) -> None:
        """Reports a key that its mapping has already."""
        line = first.span.line
        message = f"{quote(key.text)} is given twice, first at line {line}"
        label = Label(first.span, "first given here")
        self.report.error("E0105", key.span, message, help="remove one of them", labels=[label])

    def decorate(self, event: Event, node: Node, size: int, height: int) -> None:
        """Takes note of an anchor and refuses a tag."""
        if event.tag:
            tag = quote(event.tag.replace("tag:yaml.org,2002:", "!!"), 40)
            message = f"the explicit tag {tag} is not allowed"
            raise self.stop("E0106", self.span(event), message, _TAGS_HELP)
        if event.anchor:
            self.open_anchors.discard(event.anchor)
            self.anchors[event.anchor] = (node, size, height)

    def alias(self, event: Event, depth: int) -> tuple[Node, int]:
        """The node that an alias repeats and its height, within the limits."""
        name = event.anchor
        if name not in self.anchors:
            raise self.unknown_alias(event)
        node, size, height = self.anchors[name]
        self.used_anchors.add(name)
        self.count += size - 1
        if self.count > self.limits.nodes:
            raise self.too_many(self.span(event))
        if depth + height > self.limits.depth:
            raise self.too_deep(self.span(event))
        return node, height

    def unknown_alias(self, event: Event) -> _StopError:
        """Reports an alias without a finished anchor above it."""
        name: str = event.anchor
        if name in self.open_anchors:
            message = f"{quote('*' + name)} stands inside the value that it repeats"
            return self.stop("E0108", self.span(event), message, "a value cannot hold itself")
        near = nearest(name, self.anchors)
        meant = f"did you mean `*{near}`? " if near else ""
        message = f"nothing above has the anchor {quote('&' + name)}"
        help = f"{meant}text that begins with `*` is quoted"
        return self.stop("E0108", self.span(event), message, help)

    def root(self, items: list[Any]) -> Node:
        """The only document's node."""
        if not items or is_missing(items[0]):
            help = "`dslc init` writes a spec to start from"
            raise self.stop("E0111", Span(self.file, 1, 1, 1, 2), "the file is empty", help)
        return items[0]

    def unused_anchors(self) -> list[Node]:
        """The nodes whose anchors no alias refers to."""
        return [
            node for name, (node, _, _) in self.anchors.items() if name not in self.used_anchors
        ]

    def span(self, event: Event) -> Span:
        """Where an event stands; a container's start is its first line."""
        start, end = event.start_mark, event.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def second_document(self, event: Event) -> _StopError:
        """Reports that a second document begins."""
        help = "put the second spec in a file of its own; `imports` makes its blocks known"
        return self.stop("E0110", self.span(event), "a second YAML document begins here", help)

    def too_many(self, span: Span) -> _StopError:
        """Reports that the file has too many nodes."""
        message = f"the file has more than {self.limits.nodes} values, aliases expanded"
        return self.stop("E0903", span, message, _SETS_LIMIT.format("nodes"))

    def too_deep(self, span: Span) -> _StopError:
        """Reports that the nesting is too deep."""
        message = f"more than {self.limits.depth} levels of nesting, aliases expanded"
        return self.stop("E0902", span, message, _SETS_LIMIT.format("depth"))

    def too_long(self, scalar: Scalar) -> _StopError:
        """Reports that one text is too long."""
        message = f"a single text is longer than {self.limits.scalar_bytes} characters"
        return self.stop("E0904", scalar.span, message, _SETS_LIMIT.format("scalar_bytes"))

    def stop(self, code: str, span: Span, message: str, help: str) -> _StopError:
        """Reports an error after which reading cannot go on."""
        self.report.error(code, span, message, help=help)
        return _StopError()
