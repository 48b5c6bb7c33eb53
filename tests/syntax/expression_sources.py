"""Random expressions for tests, as trees."""

from hypothesis import strategies as st

from dslc.syntax.expressions import (
    Binary,
    Boolean,
    Call,
    Compare,
    Conditional,
    Index,
    ListOf,
    Literal,
    Name,
    Slice,
    Unary,
)

ENV = {"i": 3, "j": 0, "planes": 64, "rate": 0.25, "deep": True, "depths": (3, 4, 6, 3)}
NUMBERS = st.one_of(
    st.integers(0, 9).map(Literal),
    st.sampled_from([0.0, 0.5, 1e-5, 2.5, 1e20]).map(Literal),
    st.sampled_from(["i", "j", "planes", "rate"]).map(Name),
)
TRUTHS = st.one_of(st.booleans().map(Literal), st.just(Name("deep")))
LISTS = st.one_of(
    st.lists(NUMBERS, max_size=3).map(lambda items: ListOf(tuple(items))),
    st.just(Name("depths")),
)
WORDS = st.text(st.characters(exclude_characters="()"), max_size=6).map(Literal)
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def numbers(depth=3):
    """Expressions that are numbers, if they have a value."""
    if depth == 0:
        return NUMBERS
    number, truth, items = numbers(depth - 1), truths(depth - 1), lists(depth - 1)
    return st.one_of(
        NUMBERS,
        st.builds(Unary, st.sampled_from("+-"), number),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), number, number),
        st.builds(Conditional, truth, number, number),
        st.builds(Index, items, number),
        st.builds(
            lambda name, arg: Call(name, (arg,)),
            st.sampled_from(["ceil", "floor", "round", "sqrt", "log2"]),
            number,
        ),
        st.builds(
            lambda name, args: Call(name, tuple(args)),
            st.sampled_from(["min", "max"]),
            st.lists(number, min_size=2, max_size=3),
        ),
        st.builds(
            lambda name, arg: Call(name, (arg,)),
            st.sampled_from(["min", "max", "sum", "len"]),
            items,
        ),
    )


def truths(depth=3):
    """Expressions that are true or false, if they have a value."""
    if depth == 0:
        return TRUTHS
    number, truth, items = numbers(depth - 1), truths(depth - 1), lists(depth - 1)
    chain = st.lists(st.tuples(COMPARISONS, number), min_size=1, max_size=2)
    return st.one_of(
        TRUTHS,
        st.builds(lambda op: Unary("not", op), truth),
        st.builds(
            lambda op, parts: Boolean(op, tuple(parts)),
            st.sampled_from(["and", "or"]),
            st.lists(truth, min_size=2, max_size=3),
        ),
        st.builds(
            lambda left, links: Compare(
                left, tuple(op for op, _ in links), tuple(right for _, right in links)
            ),
            number,
            chain,
        ),
        st.builds(
            lambda left, op, right: Compare(left, (op,), (right,)),
            number,
            st.sampled_from(["in", "not in"]),
            items,
        ),
        st.builds(lambda a, op, b: Compare(a, (op,), (b,)), WORDS, COMPARISONS, WORDS),
    )


def lists(depth=3):
    """Expressions that are lists, if they have a value."""
    if depth == 0:
        return LISTS
    number, items = numbers(depth - 1), lists(depth - 1)
    bound = st.none() | number
    return st.one_of(
        LISTS,
        st.lists(number, max_size=3).map(lambda parts: ListOf(tuple(parts))),
        st.builds(Slice, items, bound, bound),
        st.builds(lambda a, b: Binary("+", a, b), items, items),
    )


ANY = st.one_of(numbers(), truths(), lists())
