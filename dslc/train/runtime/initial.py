"""Initial weights that are the same bits on every machine, in every framework, for ever.

Each weight draws from its own stream: NumPy's counter-based Philox generator, keyed by the seed
and the weight's path. Adding, removing or reordering weights changes no other weight. Only the
generator's raw integers are used, and what turns them into numbers is plain float64 arithmetic
and square roots, which IEEE 754 fixes to the last bit, where `np.log` and `np.random.Generator`
may differ between machines and versions.

A table of rules says what to draw; the first glob that matches a path decides:

    INITIAL = [
        ("**.norm*.weight", ones()),
        ("**.weight", kaiming_uniform()),
        ("**.bias", zeros()),
    ]
    weights = initial(SHAPES, INITIAL, seed=0)
"""

import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Float64 = NDArray[np.float64]
Shape = tuple[int, ...]

_CHUNK = 1 << 16  # numbers made at a time, so that what is in between stays in the cache


class Weight:
    """One weight to be filled: its path, its shape, its own stream of random numbers, others."""

    def __init__(
        self,
        path: str,
        shapes: Mapping[str, Shape],
        seed: int,
        draw: Callable[[str], Array | None] | None = None,
    ) -> None:
        self.path = path
        self.shape = tuple(shapes[path])
        self._shapes = shapes
        self._draw = draw
        digest = hashlib.sha256(f"{seed}\n{path}".encode()).digest()
        self._bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def uniform(self, low: float, high: float) -> Array:
        """Numbers spread evenly between two bounds."""
        return self._fill(lambda u: low + (high - low) * u)

    def normal(self, std: float, mean: float = 0.0) -> Array:
        """Numbers from a normal distribution."""
        return self._fill(lambda u: mean + std * normal_quantile(u))

    def truncated_normal(self, std: float) -> Array:
        """Numbers from a normal distribution that is cut off at two deviations."""
        below = 0.022750131948179207  # the share of a normal distribution below -2
        return self._fill(lambda u: std * normal_quantile(below + (1 - 2 * below) * u))

    def integers(self, low: int, high: int) -> NDArray[np.int64]:
        """Whole numbers from `low` up to, not including, `high`."""
        raw = self._bits.random_raw(math.prod(self.shape)) >> np.uint64(12)
        shares = (raw.astype(np.float64) + 0.5) * 2.0**-52
        return (low + np.floor(shares * (high - low)).astype(np.int64)).reshape(self.shape)

    def fans(self, sibling: str | None = None) -> tuple[int, int]:
        """How many inputs and outputs the weight connects, counted as PyTorch counts.

        Args:
            sibling: the name of another weight of the same step to count for instead.
        """
        path = self.path if sibling is None else f"{self.path.rpartition('.')[0]}.{sibling}"
        shape = self._shapes.get(path.removeprefix("."))
        if shape is None or len(shape) < 2:
            raise ValueError(f"{self.path}: needs a weight of two or more axes at {path!r}")
        field = math.prod(shape[2:])
        return shape[1] * field, shape[0] * field

    def beside(self, name: str, up: int = 1) -> Float64 | None:
        """What another weight some parts up the path starts from; None where there is none."""
        path = ".".join([*self.path.split(".")[:-up], name])
        found = self._draw(path) if self._draw is not None else None
        return None if found is None else found.astype(np.float64)

    def _fill(self, transform: Callable[[Float64], Float64]) -> Array:
        values = np.empty(math.prod(self.shape), np.float32)
        for start in range(0, values.size, _CHUNK):
            part = values[start : start + _CHUNK]
            raw = self._bits.random_raw(part.size) >> np.uint64(12)
            part[:] = transform((raw.astype(np.float64) + 0.5) * 2.0**-52)  # inside (0, 1)
        return values.reshape(self.shape)


Initialiser = Callable[[Weight], Array]


def zeros() -> Initialiser:
    """All zero."""
    return constant(0.0)


def ones() -> Initialiser:
    """All one."""
    return constant(1.0)


def constant(value: float) -> Initialiser:
    """One value everywhere."""
    return lambda weight: np.full(weight.shape, value, np.float32)


def normal(std: float = 1.0, mean: float = 0.0) -> Initialiser:
    """A normal distribution."""
    return lambda weight: weight.normal(std, mean)


def truncated_normal(std: float = 1.0) -> Initialiser:
    """A normal distribution cut off at two deviations; `std` is the one before the cut."""
    return lambda weight: weight.truncated_normal(std)


def uniform(bound: float = 1.0) -> Initialiser:
    """Evenly between `-bound` and `bound`."""
    return lambda weight: weight.uniform(-bound, bound)


def kaiming_uniform() -> Initialiser:
    """Evenly within ±1/√fan_in: PyTorch's default for linear and convolution weights."""
    return fan_in_uniform(None)


def fan_in_uniform(sibling: str | None = "weight") -> Initialiser:
    """Evenly within ±1/√fan_in of a sibling weight: PyTorch's default for biases."""

    def fill(weight: Weight) -> Array:
        bound = 1 / math.sqrt(weight.fans(sibling)[0])
        return weight.uniform(-bound, bound)

    return fill


def kaiming_normal(mode: str = "fan_in") -> Initialiser:
    """A normal distribution of deviation √(2/fan), for layers before a ReLU.

    Args:
        mode: `fan_in` keeps the size of the values, `fan_out` that of the gradients.
    """
    side = ("fan_in", "fan_out").index(mode)
    return lambda weight: weight.normal(math.sqrt(2 / weight.fans()[side]))


def xavier_uniform(gain: float = 1.0) -> Initialiser:
    """Evenly within ±gain·√(6/(fan_in + fan_out))."""

    def fill(weight: Weight) -> Array:
        bound = gain * math.sqrt(6 / sum(weight.fans()))
        return weight.uniform(-bound, bound)

    return fill


def xavier_normal(gain: float = 1.0) -> Initialiser:
    """A normal distribution of deviation gain·√(2/(fan_in + fan_out))."""
    return lambda weight: weight.normal(gain * math.sqrt(2 / sum(weight.fans())))


def lecun_normal() -> Initialiser:
    """A normal distribution of deviation 1/√fan_in."""
    return lambda weight: weight.normal(1 / math.sqrt(weight.fans()[0]))


def orthogonal(gain: float = 1.0) -> Initialiser:
    """Rows (or columns, where there are fewer) at right angles to each other, of length `gain`.

    A weight of more than two axes counts as a matrix of its first axis against all others.
    """

    def fill(weight: Weight) -> Array:
        matrix = weight.normal(1.0).reshape(weight.shape[0], -1).astype(np.float64)
        tall = matrix.shape[0] > matrix.shape[1]
        rows = _orthonormal_rows(np.ascontiguousarray(matrix.T if tall else matrix))
        matrix = gain * (rows.T if tall else rows)
        return matrix.reshape(weight.shape).astype(np.float32)

    return fill


def singular_vector(side: str = "u", rounds: int = 15) -> Initialiser:
    """The first singular vector of a weight that is divided by its largest singular value.

    Power iteration from a random vector, as often as PyTorch does.

    Args:
        side: `u`, an element for each output, or `v`, one for each input of one.
        rounds: how many iterations.
    """

    def fill(weight: Weight) -> Array:
        whole = weight.beside("original", up=2)
        if whole is None:
            return weight.normal(1.0)
        rows = whole.reshape(whole.shape[0], -1)
        if side == "v":
            other = weight.beside("_u")
            return along(rows, np.ones(len(rows)) if other is None else other).astype(np.float32)
        u = weight.normal(1.0).astype(np.float64)
        for _ in range(rounds):
            u = along(rows.T, along(rows, u))
        return u.astype(np.float32)

    def along(rows: Float64, shares: Float64) -> Float64:
        total = np.zeros(rows.shape[1])
        for row, share in zip(np.ascontiguousarray(rows), shares, strict=True):
            total += row * share  # one after the other: the same bits everywhere
        return total / max(math.sqrt(math.fsum(total * total)), 1e-12)

    return fill


def initial(
    shapes: Mapping[str, Shape], rules: Sequence[tuple[str, Initialiser]], seed: int
) -> dict[str, Array]:
    """Draws every weight.

    Args:
        shapes: the shape of each weight by its path.
        rules: globs of paths with what fills them; the first that matches decides.
        seed: another seed gives other weights.

    Returns:
        The weights by path, in float32.

    Raises:
        ValueError: No rule matches a path.
    """
    compiled = [(glob_pattern(glob), initialiser) for glob, initialiser in rules]
    weights: dict[str, Array] = {}

    def draw(path: str) -> Array | None:
        if path not in weights and path in shapes:
            found = (fill for pattern, fill in compiled if pattern.fullmatch(path + "."))
            fill = next(found, None)
            if fill is None:
                raise ValueError(f"no rule says how the weight {path!r} starts")
            weights[path] = fill(Weight(path, shapes, seed, draw))
        return weights.get(path)

    for path in shapes:
        draw(path)
    return {path: weights[path] for path in shapes}


def random_numbers(name: str, shape: Shape, seed: int, step: int | str) -> Weight:
    """The stream of numbers that a step of a run draws under a name."""
    path = f"{name} at step {step}"
    return Weight(path, {path: shape}, seed)


def matches(globs: Sequence[str], path: str) -> bool:
    """Whether one of some globs matches a path."""
    return any(glob_pattern(glob).fullmatch(path + ".") for glob in globs)


def glob_pattern(glob: str) -> re.Pattern[str]:
    """A pattern for paths with a dot after each part: `*` within one part, `**` any number."""
    parts = [
        r"(?:[^.]+\.)*" if part == "**" else re.escape(part).replace(r"\*", "[^.]*") + r"\."
        for part in glob.split(".")
    ]
    return re.compile("".join(parts))


def normal_quantile(share: Float64) -> Float64:
    """The value below which a share of the standard normal distribution lies.

    Wichura, algorithm AS 241, Applied Statistics 37 (1988) 477-484: within 1e-15 or so.

    Args:
        share: float64 of any one-axis shape, inside (0, 1).
    """
    centred = share - 0.5
    square = 0.180625 - centred * centred
    value = centred * _ratio(square, _CENTRE)
    tail = np.flatnonzero(square < 0)
    if tail.size:
        side = centred[tail]
        root = np.sqrt(-_log(np.where(side < 0, share[tail], 1 - share[tail])))
        value[tail] = np.copysign(_ratio(root - 1.6, _TAIL), side)
        far = root > 5
        if far.any():
            value[tail[far]] = np.copysign(_ratio(root[far] - 5, _FAR_TAIL), side[far])
    return value


# Numerator and denominator from the highest power down.
_CENTRE = (
    (
        *(2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4),
        *(4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3),
        *(1.3314166789178437745e2, 3.3871328727963666080e0),
    ),
    (
        *(5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4),
        *(2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2),
        *(4.2313330701600911252e1, 1.0),
    ),
)
_TAIL = (
    (
        *(7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1),
        *(1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0),
        *(4.63033784615654529590e0, 1.42343711074968357734e0),
    ),
    (
        *(1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2),
        *(1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0),
        *(2.05319162663775882187e0, 1.0),
    ),
)
_FAR_TAIL = (
    (
        *(2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3),
        *(2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0),
        *(5.46378491116411436990e0, 6.65790464350110377720e0),
    ),
    (
        *(2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5),
        *(7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1),
        *(5.99832206555887937690e-1, 1.0),
    ),
)


def _ratio(x: Float64, powers: tuple[tuple[float, ...], tuple[float, ...]]) -> Float64:
    return _polynomial(x, powers[0]) / _polynomial(x, powers[1])


def _polynomial(x: Float64, powers: Sequence[float]) -> Float64:
    total = powers[0] * x
    for power in powers[1:-1]:
        total += power
        total *= x
    total += powers[-1]
    return total


def _log(x: Float64) -> Float64:
    """The natural logarithm by its series, so that every machine agrees on the last bit."""
    fraction, exponent = np.frexp(x)
    small = fraction < math.sqrt(0.5)
    fraction = np.where(small, 2 * fraction, fraction)
    ratio = (fraction - 1) / (fraction + 1)  # within ±0.172
    odd = [1 / (2 * k + 1) for k in range(11, -1, -1)]
    return 2 * ratio * _polynomial(ratio * ratio, odd) + (exponent - small) * 0.6931471805599453


def _orthonormal_rows(matrix: Float64) -> Float64:
    """Modified Gram-Schmidt, in sums of a fixed order, which no library promises."""
    for i, row in enumerate(matrix):
        row /= math.sqrt(np.sum(row * row))
        rest = matrix[i + 1 :]
        rest -= np.sum(rest * row, axis=1, keepdims=True) * row
    return matrix
