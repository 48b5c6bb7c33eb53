"""Whole networks for the tests: transformers of any depth, ties, shared and nested structures."""

GPT = """
dslc: 1
name: Gpt
params: {{depth: {depth}, dim: {dim}, heads: {heads}, context: 16, vocab: 11}}
inputs: {{tokens: "i64[N, T]"}}
where: [T <= context]
blocks:
  Layer:
    inputs: {{x: "f32[N, T, D]"}}
    steps:
      - residual:
          - layer_norm
          - multi_head_attention: {{heads: heads, causal: true}}
            name: attention
      - residual:
          - layer_norm
          - linear: 4 * D
            name: up
          - gelu: tanh
          - linear: D
            name: down
steps:
  - embedding: {{vocab: vocab, dim: dim}}
    name: wte
  - parameter: [context, dim]
    name: wpe
  - slice: {{axis: 0, stop: T}}
    name: positions
  - add:
    from: [wte, positions]
  - Layer:
    name: h
    repeat: depth
  - layer_norm:
    name: norm
  - linear: {{out: vocab, bias: false}}
    name: head
    tie: {{weight: wte.weight}}
outputs: {{logits: head}}
"""

BERT = """
dslc: 1
name: Bert
params: {{depth: {depth}, dim: {dim}, heads: {heads}, context: 16, vocab: 11}}
inputs: {{tokens: "i64[N, T]", segments: "i64[N, T]", mask: "bool[N, T]"}}
where: [T <= context]
blocks:
  Layer:
    inputs: {{x: "f32[N, T, D]", mask: "bool[N, T]"}}
    steps:
      - multi_head_attention: heads
        from: {{query: x, mask: mask}}
        name: attention
      - add:
        from: [x, attention]
      - layer_norm: {{eps: 1e-12}}
        name: norm1
      - linear: 4 * D
      - gelu
      - linear: D
        name: down
      - add:
        from: [norm1, down]
      - layer_norm: {{eps: 1e-12}}
steps:
  - embedding: {{vocab: vocab, dim: dim}}
    from: tokens
    name: words
  - embedding: {{vocab: 2, dim: dim}}
    from: segments
    name: kinds
  - parameter: [context, dim]
    name: places
  - slice: {{axis: 0, stop: T}}
    name: positions
  - add:
    from: [words, kinds, positions]
  - layer_norm: {{eps: 1e-12}}
  - dropout: 0.1
    name: start
  - Layer:
    from: [start, mask]
    name: layer
    repeat: depth
  - slice: {{axis: 1, index: 0}}
  - linear: dim
    name: pooler
  - tanh:
    name: pooled
outputs: {{hidden: layer, pooled: pooled}}
"""

STRUCTURES = """
dslc: 1
name: Structures
inputs: {x: "f32[N, 4, H, W]"}
blocks:
  Conv:
    params: {out: int}
    steps:
      - conv2d: {out: out, kernel: 3, padding: 1}
      - batch_norm
      - relu
steps:
  - conv2d: {out: 4, kernel: 1, bias: false}
    name: shared
    repeat: {times: 2, share: true}
  - parallel:
      branches:
        a: [{Conv: {out: 3}}]
        b: [{Conv: {out: 2}}, dropout: 0.5]
      join: concat
    name: wide
  - parallel:
      branches: [[relu], [sigmoid], []]
      join: mul
  - parallel:
      branches: [[relu], [tanh]]
      join: stack
      axis: 2
    name: stacked
  - reduce_sum: 2
    name: summed
  - relu:
    when: 1 > 2
  - residual:
      main: [conv2d: {out: 6, kernel: 1}]
      shortcut: [conv2d: {out: 6, kernel: 1}]
    name: last
outputs: {deep: last, again: last, summed: summed}
"""
