"""E11xx: the weights that a spec starts from. Each `bad` and `good` is a whole spec."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.examples import spec


def _given(section: str) -> str:
    """A spec that starts from a file."""
    return spec(f"steps:\n  - linear: 4\n    name: head\nweights:\n{section}")


ENTRIES: dict[str, Entry] = {
    "E1101": Entry(
        "the section of weights names no file",
        "`weights` says which file the model starts from: safetensors, Keras's `.weights.h5` or "
        "`.keras`, or a folder that orbax wrote. The other keys say how its names become the model's.",
        _given("  new: [head.**]\n"),
        _given("  file: start.safetensors\n  new: [head.**]\n"),
    ),
    "E1102": Entry(
        "the file of weights lies outside the spec's folder",
        "A spec reads nothing outside the folder that it lies in, so that it can be opened without "
        "fear wherever it comes from.",
        _given("  file: ../start.safetensors\n"),
        _given("  file: start.safetensors\n"),
    ),
    "E1103": Entry(
        "a glob of weights that cannot be read, or does not fit its other side",
        "A glob is a weight's path with `*` for one part and `**` for any number of parts. In "
        "`rename` each wildcard is kept in its place, so both sides have the same ones.",
        _given('  file: start.safetensors\n  rename: {"model.*.weight": head.weight}\n'),
        _given('  file: start.safetensors\n  rename: {"model.*.weight": "*.weight"}\n'),
    ),
    "E1104": Entry(
        "a split of a weight that does not say how",
        "Where one array of the file holds several weights, `to` lists them in order, and `split` is "
        "the axis along which it is cut: `{to: [query.weight, key.weight], split: 0}`.",
        _given("  file: start.safetensors\n  rename: {fused.weight: {split: 0}}\n"),
        _given("  file: start.safetensors\n  rename: {fused.weight: {to: [head.weight]}}\n"),
    ),
    "E1105": Entry(
        "a glob that means no weight of the model",
        "What `new` and the right sides of `rename` name are weights of the model. `dslc weights` "
        "lists their paths.",
        _given('  file: start.safetensors\n  new: ["haed.**"]\n'),
        _given('  file: start.safetensors\n  new: ["head.**"]\n'),
    ),
}
