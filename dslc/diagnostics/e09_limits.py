"""E09xx: limits and files."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry

ENTRIES: dict[str, Entry] = {
    "E0901": Entry(
        "the file is too large",
        "A spec is a few hundred lines; `--limit file_bytes=…` allows more.",
    ),
    "E0902": Entry(
        "the nesting is too deep",
        "Mappings and lists inside each other, with aliases expanded, have a limit, so that no "
        "input can exhaust the memory. `--limit depth=…` allows more.",
    ),
    "E0903": Entry(
        "the file has too many values",
        "Every key and value counts, an alias as often as it is used: a few hundred bytes of "
        "aliases can stand for billions of values. `--limit nodes=…` allows more.",
    ),
    "E0904": Entry(
        "a text is too long",
        "A single key or value has a limit; `--limit scalar_bytes=…` allows more.",
    ),
    "E0905": Entry(
        "the model has too many steps",
        "Every step counts as often as `repeat` runs it, so that no small file stands for a network "
        "without end. `--limit steps=…` allows more.",
    ),
    "E0906": Entry(
        "the model has too many distinct instances of blocks",
        "A block is checked once for each distinct set of arguments and input types. "
        "`--limit instances=…` allows more.",
    ),
    "E0907": Entry(
        "a value or the weights are too large",
        "A value of known size and the sum of all weights have a budget, so that a slip of the "
        "pen is found before the memory is gone. `--limit elements=…` and `--limit weight_bytes=…` "
        "allow more.",
    ),
    "E0908": Entry(
        "a size is too long an expression",
        "Sizes are exact polynomials; one with thousands of terms is a slip of the pen.",
        bad="""\
dslc: 1
name: Net
inputs: {x: "f32[A, B, C, D, E, F, G, H, I, J]"}
steps:
  - constant: {value: 0, shape: ["(A + B + C + D + E) ** 8", "(F + G + H + I + J) ** 8"]}
  - reshape: [-1]
""",
        good="""\
dslc: 1
name: Net
inputs: {x: "f32[A, F]"}
steps:
  - constant: {value: 0, shape: [A, F]}
  - reshape: [-1]
""",
    ),
    "E0909": Entry(
        "too many files are imported",
        "All files that a spec reaches count, each once. `--limit imports=…` allows more.",
    ),
}
