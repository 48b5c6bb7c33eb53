"""The file's bytes, with each weight's bytes taken from where they are.

A protobuf library would hold every weight three times (its array, the message, the text). The file
is small messages and large arrays, so the small part is left to the library and the arrays are put
between, as the wire format has them: a field is a tag, a length and its bytes.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from dslc_onnx.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = 1 << 10
"""From how many bytes on a tensor is handled apart from the rest."""

ALIGNED = 64
"""Where a tensor may begin in a file of its own."""

LONGEST = (1 << 31) - 1
"""What a protobuf file may hold, in bytes."""

NO_SUCH = re.compile(
    r"op_type:(\w+), node name: ([^)]*)\).*has unsupported type: tensor\((\w+)\)", re.DOTALL
)
"""What ONNX's checker says where an operator does not take a dtype."""

SHORT = MappingProxyType(
    {"bfloat16": "bf16", "float16": "f16", "float": "f32", "double": "f64"}
    | {f"int{bits}": f"i{bits}" for bits in (8, 16, 32, 64)}
    | {"uint8": "u8"}
)
"""The dtypes that the checker names, as the spec does."""

_MODEL_GRAPH = 7
_GRAPH_INITIALIZER = 5
_TENSOR_RAW_DATA = 9


Pieces = list[bytes | memoryview]


def serialise(model: ir.Model) -> Pieces:
    """The file in pieces, to be written one after another.

    Raises:
        ExportError: The file would be longer than protobuf allows.
    """
    tensors = large_tensors(model)
    message = skeleton(model)
    graph = message.graph.SerializeToString(deterministic=True)
    message.ClearField("graph")
    pieces: list[bytes | memoryview] = [graph]
    for tensor in tensors:
        pieces.extend(tensor_field(tensor))
    length = sum(len(piece) for piece in pieces)
    head = message.SerializeToString(deterministic=True)
    if length + len(head) + 16 > LONGEST:
        message = f"one ONNX file would hold {length} bytes, and they end at 2 GiB"
        raise ExportError(f"{message}; `dslc export` writes the weights beside it")
    return [head, field(_MODEL_GRAPH, length), *pieces]


def serialise_apart(model: ir.Model, location: str) -> tuple[Pieces, Pieces]:
    """The model's file, and the file of its large tensors, which the first calls `location`.

    Each tensor begins at a multiple of 64 bytes, so that a runtime can map it into memory.
    """
    import onnx

    message, data, place = skeleton(model), Pieces(), 0
    for tensor in large_tensors(model):
        gap = -place % ALIGNED
        numbers: Any = tensor.numpy()
        data += [bytes(gap), memoryview(numbers.reshape(-1).view("uint8"))]
        found = onnx.TensorProto(
            name=tensor.name,
            data_type=tensor.dtype.value,
            dims=list(tensor.shape.numpy()),
            data_location=onnx.TensorProto.EXTERNAL,
        )
        span = {"location": location, "offset": place + gap, "length": tensor.nbytes}
        for key, value in span.items():
            found.external_data.add(key=key, value=str(value))
        message.graph.initializer.append(found)
        place += gap + tensor.nbytes
    return [message.SerializeToString(deterministic=True)], data


def large_tensors(model: ir.Model) -> list[ir.TensorProtocol]:
    """The tensors that are written from where they are."""
    return [tensor for tensor in initializers(model) if tensor.nbytes >= LARGE]


def tensor_field(tensor: ir.TensorProtocol) -> Iterator[bytes | memoryview]:
    """An initializer as a field of the graph: name, dtype and shape, then the array itself."""
    import onnx

    header = onnx.TensorProto(
        name=tensor.name, data_type=tensor.dtype.value, dims=list(tensor.shape.numpy())
    ).SerializeToString(deterministic=True)
    raw = field(_TENSOR_RAW_DATA, tensor.nbytes)
    yield field(_GRAPH_INITIALIZER, len(header) + len(raw) + tensor.nbytes) + header + raw
    numbers: Any = tensor.numpy()
    yield memoryview(numbers.reshape(-1).view("uint8"))


def field(number: int, length: int) -> bytes:
    """The tag and length in front of a field's bytes."""
    return varint(number << 3 | 2) + varint(length)


def varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def initializers(model: ir.Model) -> list[ir.TensorProtocol]:
    """The tensors of a model."""
    values = model.graph.initializers.values()
    return [value.const_value for value in values if value.const_value is not None]


def skeleton(model: ir.Model) -> Any:
    """The model's message without its large tensors."""
    known = model.graph.initializers
    large = [
        value
        for value in known.values()
        if value.const_value is not None and value.const_value.nbytes >= LARGE
    ]
    for value in large:
        del known[str(value.name)]
    try:
        return ir.to_proto(model)
    finally:
        for value in large:
            known.add(value)


def check_model(model: ir.Model) -> None:
    """Runs ONNX's own checker, with shape inference, over all but the numbers of large weights.

    Large weights stand in as inputs: what the checker says of them depends on their type alone.
    """
    import onnx

    message = skeleton(model)
    for value in model.graph.initializers.values():
        tensor = value.const_value
        if tensor is not None and tensor.nbytes >= LARGE:
            dims = list(tensor.shape.numpy())
            kind = onnx.helper.make_tensor_value_info(str(value.name), tensor.dtype.value, dims)
            message.graph.input.append(kind)
    try:
        onnx.checker.check_model(message, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        found = NO_SUCH.search(str(error))
        if found is not None:
            op_type, step, dtype = found.groups()
            message = f"`{step}`: ONNX's {op_type} takes no values of {SHORT.get(dtype, dtype)}"
            raise ExportError(f"{message}; `cast` to f32 before it") from error
        raise ExportError(f"ONNX's checker refuses the model: {error}") from error
