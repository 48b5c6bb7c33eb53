"""Shapes that hold for every size: each kind of step with the type that is proved, or the facts it asks."""

import pytest

from dslc.api import loads
from dslc.diagnostics import SpecError

IMAGE = '{image: "f32[N, 3, H, W]"}'
TWO = '{x: "f32[N, T, 8]", y: "f32[N, S, 8]"}'
HALVED = "f32[N, 3, (H + 1)//2, (W + 1)//2]"
CONV = "- conv2d: {out: 8, kernel: 3, stride: 2, padding: 1}\n"
PATCHES = "- conv2d: {out: 8, kernel: 16, stride: 16}\n- reshape: [N, 8, (H // 16) * (W // 16)]\n"
U_NET = """\
- group:
    - conv2d: {out: 4, kernel: 3, padding: same}
      name: skip
    - max_pool2d: 2
  name: down
  repeat: 4
- group:
    - conv_transpose2d: {out: 4, kernel: 2, stride: 2}
      name: grown
    - concat: 1
      from: [grown, "down[3 - i].skip"]
    - conv2d: {out: 4, kernel: 3, padding: same}
  name: up
  repeat: {times: 4, index: i}
"""

PROVED = {
    "a chain of strides": (IMAGE, "", CONV + CONV, "f32[N, 8, (H + 3)//4, (W + 3)//4]"),
    "pools that round up": (
        IMAGE,
        "",
        "- max_pool2d: {kernel: 2, stride: 2, ceil: true}\n",
        HALVED,
    ),
    "padding: same": (
        IMAGE,
        "",
        "- conv2d: {out: 3, kernel: 3, stride: 2, padding: same}\n",
        HALVED,
    ),
    "a transposed convolution": (
        IMAGE,
        "",
        "- conv_transpose2d: {out: 8, kernel: 4, stride: 2, padding: 1}\n",
        "f32[N, 8, 2*H, 2*W]",
    ),
    "an inferred size": (IMAGE, "", "- reshape: [N, -1, W]\n", "f32[N, 3*H, W]"),
    "sequences in a row": (TWO, "", "- concat: 1\n  from: [x, y]\n", "f32[N, S + T, 8]"),
    "a cache that may be empty": (
        TWO,
        "S >= 0",
        "- concat: 1\n  from: [y, x]\n",
        "f32[N, S + T, 8]",
    ),
    "four levels of a U-Net": (
        IMAGE,
        "H % 16 == 0, W % 16 == 0",
        U_NET,
        "f32[N, 4, H, W]",
    ),
    "patches of whole images": (
        IMAGE,
        "H % 16 == 0, W % 16 == 0",
        PATCHES,
        "f32[N, 8, (H//16)*(W//16)]",
    ),
}

ASKED = {
    "a pool": (IMAGE, "- max_pool2d: 2\n", ("H >= 2", "W >= 2")),
    "patches": (IMAGE, PATCHES, ("H >= 16", "W >= 16")),
    "four levels of a U-Net": (IMAGE, U_NET, ("H % 16 == 0", "W % 16 == 0")),
    "windows": (
        IMAGE,
        "- reshape: [N, 3, H // 7, 7, W // 7, 7]\n",
        ("H % 7 == 0", "W % 7 == 0"),
    ),
    "an inferred size": (TWO, "- reshape: [N, -1, 16]\n", ("T % 2 == 0",)),
    "places": (TWO, "- learned_position: {max: 512}\n", ("T <= 512",)),
    "a sum of two sequences": (TWO, "- add:\n  from: [x, y]\n", ("S == T",)),
    "a sum after halving": (
        IMAGE,
        "- residual:\n    - avg_pool2d: 2\n    - resize: {scale: 2}\n",
        ("H % 2 == 0", "W % 2 == 0"),
    ),
}


def text_of(inputs: str, facts: str, steps: str) -> str:
    lines = "".join(f"  {line}\n" for line in steps.splitlines())
    return f"dslc: 1\nname: Net\ninputs: {inputs}\nwhere: [{facts}]\nsteps:\n{lines}"


@pytest.mark.parametrize("case", PROVED)
def test_a_type_is_proved(case: str) -> None:
    inputs, facts, steps, type = PROVED[case]
    found = str(loads(text_of(inputs, facts, steps)).outputs["output"].type)
    assert found == type


@pytest.mark.parametrize("case", ASKED)
def test_the_facts_that_are_lacking_are_asked_for(case: str) -> None:
    inputs, steps, facts = ASKED[case]
    with pytest.raises(SpecError) as error:
        loads(text_of(inputs, "", steps))
    help = " ".join(str(item.help) for item in error.value.diagnostics)
    assert f"`where: [{', '.join(facts)}]`" in help
    loads(text_of(inputs, ", ".join(facts), steps))


def test_what_neither_holds_nor_fails_is_said_so() -> None:
    with pytest.raises(SpecError) as error:
        loads(text_of(TWO, "T * T == S * S + S", "- add:\n  from: [x, y]\n"))
    (problem,) = error.value.diagnostics
    assert "it cannot be shown that T == S" in problem.message


def test_a_counterexample_is_the_smallest() -> None:
    with pytest.raises(SpecError) as error:
        loads(
            text_of(IMAGE, "H >= 30, W >= 30", PATCHES.replace("H // 16", "H // 8 // 2 + H // 33"))
        )
    (problem,) = error.value.diagnostics
    assert "H=33" in problem.message
