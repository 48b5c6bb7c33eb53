"""E02xx: expressions and types. Each `bad` and `good` is one expression or one type."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry

ENTRIES: dict[str, Entry] = {
    "E0201": Entry(
        "this is not an expression",
        "Expressions are integers, floats, booleans, lists, names, `+ - * / // % **`, comparisons, "
        "`in`, `and or not`, `a if c else b`, indexing, slices, quoted strings and a few functions. "
        "The message says what was expected and where.",
        "4 * * planes",
        "4 * planes",
    ),
    "E0202": Entry(
        "an unknown name",
        "An expression sees params, the dims and indices in scope, and nothing else. Params begin "
        "with a lower-case letter, symbols with a capital one.",
        "4 * plane",
        "4 * planes",
    ),
    "E0203": Entry(
        "an unknown function, or the wrong number of arguments",
        "Expressions know `len`, `min`, `max`, `sum`, `ceil`, `floor`, `round`, `sqrt` and `log2`. "
        "`min` and `max` take one list or two values and more, the others exactly one.",
        "sqrt(16, 2)",
        "sqrt(16)",
    ),
    "E0204": Entry(
        "the operands do not fit the operator",
        "Arithmetic takes numbers, `and`, `or`, `not` and the condition of an `if` take true or "
        "false, indexing takes a list. `+` also joins two lists, and `*` repeats one.",
        "1 + 'same'",
        "1 + 2",
    ),
    "E0205": Entry(
        "division by zero",
        "The divisor of `/`, `//` or `%` is zero for these values.",
        "7 // (planes - planes)",
        "7 // planes",
    ),
    "E0206": Entry(
        "a result is out of range",
        "Integers stay within 64 bits and floats are finite; a square root takes a number that is "
        "not negative, a logarithm a positive one.",
        "2 ** 100",
        "2 ** 10",
    ),
    "E0207": Entry(
        "an index is out of range",
        "A list of n items has the indices 0 to n - 1, or -n to -1 from its end.",
        "[3, 4, 6, 3][4]",
        "[3, 4, 6, 3][3]",
    ),
    "E0208": Entry(
        "an expression is too long or too deep",
        "Expressions are for sizes and conditions. One of thousands of characters or dozens of "
        "levels is better written as params that build on each other.",
        "(" * 70 + "1" + ")" * 70,
        "1",
    ),
    "E0209": Entry(
        "a comparison cannot be decided",
        "It compares a symbol that has no fixed size here, and nothing says which way it goes. A "
        "fact in `where` decides it.",
        "H > 7",
        "7 > 3",
    ),
    "E0210": Entry(
        "this is not a type",
        "A type is a dtype and a shape, as `f32[N, 3, H, W]`; `f32[]` is a scalar, `f32[..., D]` "
        "leaves the leading dims open, a bare `f32` any shape.",
        "f32[N, 3",
        "f32[N, 3]",
    ),
    "E0211": Entry(
        "an unknown dtype",
        "The dtypes are bool, i8, i16, i32, i64, u8, f16, bf16, f32 and f64.",
        "float32[N]",
        "f32[N]",
    ),
    "E0212": Entry(
        "this is not a number",
        "Numbers are written without `_` and without units: `1000`, `0.5`, `1e-3`.",
        "1_000",
        "1000",
    ),
}
