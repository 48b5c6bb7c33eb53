"""Shows digits that a trained generator makes, as text.

    python examples/gan/sample.py RUN

RUN is the folder of a run of the PyTorch project, with its weights.
"""

import sys
from importlib import import_module
from pathlib import Path

import torch
from safetensors.torch import load_file

SHADES = " .:-=+*#%@"


def rows_of(images: torch.Tensor) -> list[str]:
    """Images of one channel side by side, a line of text for each row of pixels."""
    places = (images[:, 0].clamp(0, 1) * (len(SHADES) - 1)).round().int().tolist()
    return [
        "   ".join("".join(2 * SHADES[k] for k in image[y]) for image in places) for y in range(8)
    ]


def main() -> None:
    """Draws noise, makes digits of it, prints them."""
    run = Path(sys.argv[1])
    sys.path.insert(0, str(run.resolve()))
    model = import_module("model").Dcgan()
    model.load_state_dict(load_file(run / "weights.safetensors"))
    model.eval()
    torch.manual_seed(0)
    with torch.no_grad():
        images = model.generator(torch.randn(12, 16))
    for start in range(0, len(images), 4):
        print("\n".join(rows_of(images[start : start + 4])), end="\n\n")


if __name__ == "__main__":
    main()
