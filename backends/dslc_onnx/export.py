"""From a checked spec to a model file: the whole export as one visible row of steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from dslc_onnx import rewrites
from dslc_onnx.errors import ExportError
from dslc_onnx.flatten import Flattener
from dslc_onnx.graph import Graph
from dslc_onnx.lowering import Operand
from dslc_onnx.options import Options
from dslc_onnx.sizes import Sizes, find_sources
from dslc_onnx.weights import WeightStore
from dslc_onnx.wire import check_model, large_tensors, serialise, serialise_apart

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dslc.passes.pipeline import Checked


def export(checked: Checked, weights: Mapping[str, Any] | None = None, **options: Any) -> bytes:
    """Exports a checked spec as the bytes of an ONNX file.

    Args:
        checked: The spec.
        weights: Arrays by path, as the portable file has them; None draws the initial values.
        **options: As `Options` takes them: `opset`, `fold_batch_norm`, `seed`, `limits`.

    Raises:
        ExportError: Something has no ONNX form, the weights do not fit, or a limit is exceeded.
    """
    return b"".join(serialise(build(checked, weights, Options(**options))))


def save(
    checked: Checked,
    weights: Mapping[str, Any] | None,
    path: str | Path,
    *,
    force: bool = False,
    **options: Any,
) -> None:
    """Writes an ONNX file whole or not at all; arguments as `export` has them.

    A model whose weights do not fit into one file has them beside it, in a file whose name ends in
    `.data`. Weights are written from where they are, not copied.

    Raises:
        ExportError: As for `export`.
        OutputError: The file exists with other content and `force` is not given, or the disk
            refuses.
    """
    from dslc.files import write_together

    chosen, path = Options(**options), Path(path)
    model = build(checked, weights, chosen)
    size = sum(tensor.nbytes for tensor in large_tensors(model))
    if size <= chosen.longest:
        write_together({path: serialise(model)}, force=force)
        return
    beside = path.with_name(f"{path.name}.data")
    pieces, data = serialise_apart(model, beside.name)
    write_together({beside: data, path: pieces}, force=force)


def build(checked: Checked, weights: Mapping[str, Any] | None, options: Options) -> ir.Model:
    """The model as `onnx_ir` has it, checked; weights are wrapped, not copied."""
    graph = empty(checked, weights, options)
    inputs, outputs = lower(checked, graph)
    rewrites.prune(graph, outputs)
    if options.fold_batch_norm:
        rewrites.fold_batch_norm(graph, outputs)
    rewrites.join_lonely_rows(graph, outputs)
    rewrites.prune(graph, outputs)
    name_outputs(graph, checked, inputs, outputs)
    model = assemble(checked, graph, inputs, outputs, options)
    check_model(model)
    return model


def empty(checked: Checked, weights: Mapping[str, Any] | None, options: Options) -> Graph:
    """A graph without nodes, with the weights at hand."""
    weights = None if weights is None else checked.own(weights)
    infos = checked.weights()
    return Graph(
        WeightStore(infos, weights, seed=options.seed, limits=options.limits), options.opset
    )


def as_written(checked: Checked, weights: Mapping[str, Any] | None, options: Options) -> Graph:
    """The spec's own steps as nodes, those that no output needs among them."""
    graph = empty(checked, weights, options)
    lower(checked, graph)
    return graph


def lower(checked: Checked, graph: Graph) -> tuple[list[ir.Value], list[ir.Value]]:
    """The model's inputs and outputs, with the nodes between them in the graph."""
    instance = checked.instance
    graph.reserve(output_names(checked))
    typed = {name: (graph.input(name, type), type) for name, type in instance.inputs.items()}
    sizes = Sizes(graph, find_sources(typed), checked.facts)
    folder = str(Path(checked.source.path).parent)
    flattener = Flattener(graph, sizes, folder, checked.program.values)
    operands = [Operand(name, type, value) for name, (value, type) in typed.items()]
    found = flattener.module(instance, operands, "")
    values = [flattener.whole(found[name]) for name in output_names(checked)]
    if not values:
        raise ExportError("the model has no output")
    return [value for value, _ in typed.values()], values


def name_outputs(
    graph: Graph, checked: Checked, inputs: list[ir.Value], outputs: list[ir.Value]
) -> None:
    """Gives outputs the spec's names; what two names share, or no node makes, is passed through."""
    seen: set[ir.Value] = set(inputs)
    graph.site = None
    for position, name in enumerate(output_names(checked)):
        value = outputs[position]
        if value in seen or value.producer() is None:
            type = checked.instance.outputs[name]
            value = outputs[position] = graph.node("Identity", [value], [(name, type)])[0]
        seen.add(value)
        producer = value.producer()
        if producer is not None and producer.name == value.name:
            producer.name = name
        value.name = name


def output_names(checked: Checked) -> list[str]:
    """The names of the model's outputs, in order."""
    names = [name for name in checked.instance.outputs if name]
    for name in names:
        if name in checked.instance.inputs:
            message = f"the output `{name}` has the name of an input, which no ONNX file may have"
            raise ExportError(message, checked.instance.module.span)
    return names


def assemble(
    checked: Checked,
    graph: Graph,
    inputs: list[ir.Value],
    outputs: list[ir.Value],
    options: Options,
) -> ir.Model:
    """The model around the nodes, with where it comes from."""
    program = checked.program
    known: dict[ir.Value, None] = {}
    for node in rewrites.all_nodes(graph.nodes):
        for value in node.inputs:
            if value is not None and value.const_value is not None:
                known[value] = None
    found = ir.Graph(
        inputs,
        outputs,
        nodes=graph.nodes,
        initializers=list(known),
        opset_imports={"": options.opset},
        name=program.name,
        doc_string=program.doc,
    )
    metadata = {"dslc.spec": Path(program.path).name, "dslc.sha256": program.digest}
    if checked.constraints:
        metadata["dslc.where"] = "; ".join(checked.constraints)
    return ir.Model(
        found, ir_version=options.ir_version, producer_name="dslc", metadata_props=metadata
    )
