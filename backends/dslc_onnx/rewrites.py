"""Rewrites of the finished row of nodes, each on its own and in the order of `export.build`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from dslc_onnx.graph import PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dslc_onnx.graph import Graph

FOLDED = "dslc.folded"


def prune(graph: Graph, outputs: Sequence[ir.Value]) -> None:
    """Removes what no output needs, and the names of optional outputs that nothing reads."""
    graph.nodes[:] = needed(graph, graph.nodes, outputs)


def needed(graph: Graph, nodes: Sequence[ir.Node], outputs: Sequence[ir.Value]) -> list[ir.Node]:
    """The nodes of a row that its outputs need, what is inside them pruned."""
    wanted = set(outputs)
    kept: list[ir.Node] = []
    for node in reversed(nodes):
        if not any(value in wanted or value.uses() for value in node.outputs):
            release(node)
            continue
        for value in node.outputs:
            if value in graph.optional and value not in wanted and not value.uses():
                value.name = ""
        for inner in graphs_in(node):
            before = list(inner)
            inner.remove(set(before).difference(needed(graph, before, inner.outputs)))
        kept.append(node)
    return kept[::-1]


def release(node: ir.Node) -> None:
    """Makes a node read nothing, so that what it read can go too."""
    for inner in all_nodes([node]):
        for position in range(len(inner.inputs)):
            inner.replace_input_with(position, None)


def all_nodes(nodes: Iterable[ir.Node]) -> Iterator[ir.Node]:
    """Every node of a row and of the graphs inside."""
    for node in nodes:
        yield node
        for inner in graphs_in(node):
            yield from all_nodes(inner)


def graphs_in(node: ir.Node) -> list[ir.Graph]:
    """The graphs that a node runs."""
    values = node.attributes.values()
    return [item.as_graph() for item in values if item.type == ir.AttributeType.GRAPH]


def replace(old: ir.Value, new: ir.Value, outputs: list[ir.Value]) -> None:
    """Lets everything that reads one value read another."""
    for user, position in old.uses():
        user.replace_input_with(position, new)
    outputs[:] = [new if value is old else value for value in outputs]


def fold_batch_norm(graph: Graph, outputs: list[ir.Value]) -> None:
    """Joins a batch norm into the convolution or linear map that alone feeds it.

    `y = (x - mean) / sqrt(var + eps) * scale + shift` is linear in x, so it scales each output
    channel's weights and moves its bias. Weights that another step reads too are left alone.
    """
    for norm in graph.nodes:
        if norm.op_type != "BatchNormalization":
            continue
        value = norm.inputs[0]
        assert value is not None
        source = value.producer()
        if source is None or source.op_type not in ("Conv", "Gemm") or len(value.uses()) != 1:
            continue
        if value in outputs or any(len(weight.uses()) > 1 for weight in weights_of(source)):
            continue
        fold_into(graph, source, norm)
        replace(norm.outputs[0], value, outputs)


def weights_of(node: ir.Node) -> list[ir.Value]:
    """The weights of a convolution or linear map."""
    return [value for value in node.inputs[1:] if value is not None]


def fold_into(graph: Graph, source: ir.Node, norm: ir.Node) -> None:
    """Gives a convolution or linear map the weights that hold the batch norm after it."""
    scale, shift, mean, variance = (numbers(value).astype(np.float64) for value in norm.inputs[1:])
    factor = scale / np.sqrt(variance + norm.attributes["epsilon"].as_float())
    weight = source.inputs[1]
    assert weight is not None
    old = numbers(weight)
    bias = source.inputs[2] if len(source.inputs) > 2 else None
    before = 0.0 if bias is None else numbers(bias).astype(np.float64)
    column = factor.reshape(-1, *[1] * (old.ndim - 1)).astype(old.dtype)
    new_bias = ((before - mean) * factor + shift).astype(old.dtype)
    path = norm.metadata_props.get(PATH, "")
    source.replace_input_with(1, graph.new_initializer(f"{weight.name}/{FOLDED}", old * column))
    bias_name = f"{source.metadata_props.get(PATH, '')}.bias" if bias is None else bias.name
    folded = graph.new_initializer(f"{bias_name}/{FOLDED}", new_bias)
    source.resize_inputs(3)
    source.replace_input_with(2, folded)
    source.metadata_props[FOLDED] = path


def numbers(value: ir.Value | None) -> Any:
    """The numbers of an initializer."""
    assert value is not None
    assert value.const_value is not None
    return value.const_value.numpy()


def join_lonely_rows(graph: Graph, outputs: list[ir.Value]) -> None:
    """Where rows serve one linear map alone, says it as `MatMul` and `Add` on the whole value.

    `Reshape, Gemm, Reshape` is worth its while along a chain; alone it is more than is needed. A
    tied weight stays as it is, for `MatMul` would want it transposed.
    """
    nodes: list[ir.Node] = []
    for node in graph.nodes:
        whole, after = lonely_ends(node, outputs)
        if whole is None or after is None:
            nodes.append(node)
            continue
        made = whole_map(graph, node, whole, after.outputs[0])
        replace(after.outputs[0], made[-1].outputs[0], outputs)
        release(node)
        nodes.extend(made)
    graph.nodes[:] = nodes


def lonely_ends(
    gemm: ir.Node, outputs: Sequence[ir.Value]
) -> tuple[ir.Value | None, ir.Node | None]:
    """What a lonely map reads before it becomes rows, and the node that makes it whole again."""
    nothing = (None, None)
    if gemm.op_type != "Gemm":
        return nothing
    value, weight, result = gemm.inputs[0], gemm.inputs[1], gemm.outputs[0]
    assert value is not None
    assert weight is not None
    before = value.producer()
    if any(len(used.uses()) != 1 or used in outputs for used in (value, weight, result)):
        return nothing
    after = next(iter(result.uses())).node
    if before is None or before.op_type != "Reshape" or after.op_type != "Reshape":
        return nothing
    whole, end = before.inputs[0], after.outputs[0]
    assert whole is not None
    shapes = whole.shape, value.shape, result.shape, end.shape
    if any(shape is None for shape in shapes):
        return nothing
    read, rows, made, given = (list(shape or ()) for shape in shapes)
    as_rows = read[-1:] == rows[-1:] and made[-1:] == given[-1:]  # only axes before were joined
    return (whole, after) if as_rows and read[:-1] == given[:-1] else nothing


def whole_map(graph: Graph, gemm: ir.Node, whole: ir.Value, result: ir.Value) -> list[ir.Node]:
    """`MatMul` with the weight transposed at export, and `Add` where there is a bias."""
    weight, *biases = weights_of(gemm)
    turned = np.ascontiguousarray(numbers(weight).T)
    operand = graph.new_initializer(f"{weight.name}/transposed", turned)
    steps: list[tuple[str, ir.Value]] = [("MatMul", operand), *(("Add", bias) for bias in biases)]
    nodes: list[ir.Node] = []
    value = whole
    for position, (op_type, other) in enumerate(steps):
        last = position == len(steps) - 1
        name = result.name if last else graph.unique(f"{result.name}/product")
        out = ir.Value(name=name, shape=result.shape, type=result.type)
        node = ir.node(op_type, [value, other], outputs=[out], name=name)
        node.metadata_props.update(gemm.metadata_props)
        nodes.append(node)
        value = out
    return nodes
