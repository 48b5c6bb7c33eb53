"""Small whole specs for the catalogue, so that an example shows its mistake and little else."""

from __future__ import annotations


def spec(body: str, x: str = "f32[N, 8]", head: str = "") -> str:
    """A spec with one input `x` of a type, and the sections of `body`.

    Args:
        body: everything from `steps:` on, or from any section that comes before it.
        x: the type of the input.
        head: sections that come before the inputs, such as `params`.
    """
    return f"dslc: 1\nname: Net\n{head}inputs:\n  x: {x}\n{body}"


def steps(text: str, x: str = "f32[N, 8]", head: str = "") -> str:
    """A spec with these steps, each line of `text` indented by two."""
    lines = "".join(f"  {line}\n" for line in text.strip("\n").split("\n"))
    return spec(f"steps:\n{lines}", x, head)


IMAGE = "f32[N, 3, 32, 32]"
ANY_IMAGE = "f32[N, 3, H, W]"
SEQUENCE = "f32[N, T, 64]"
