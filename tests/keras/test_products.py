"""A product with a number, which Keras takes for a sparse tensor, in layers that refuse those."""

import pytest

from tests.keras.networks import agrees
from tests.numeric.table import check

HEAD = "dslc: 1\nname: Net\ninputs: {x: 'f32[N, 6, 8]', z: 'f32[N, 3, 8, 8]'}\nsteps:\n"
PRODUCTS = ("2.0 * x", "tanh(-0.5 * x)", "0.25 * x + 0.75 * (2.0 * x)", "(2.0 * x) / 3", "-(x * 2)")
LAYERS = """
  - expr: {product}
    name: scaled
  - lstm: 3
    from: scaled
    name: recurrent
  - multi_head_attention: {{heads: 2, rotary: {{base: 100}}}}
    from: scaled
    name: attended
  - pad: {{before: [0, 2, 0], mode: edge}}
    from: scaled
    name: wide
  - expr: 0.5 * z
    name: image
  - conv2d: {{out: 4, kernel: 3, stride: 2, padding: same}}
    from: image
    name: convolved
outputs: {{a: recurrent, b: attended, c: wide, d: convolved}}
"""


@pytest.mark.parametrize("product", PRODUCTS)
def test_layers_take_products_with_numbers(product: str) -> None:
    assert agrees(check(HEAD + LAYERS.format(product=product).lstrip("\n"))) == []
