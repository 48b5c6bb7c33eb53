"""The intermediate representation: dims, types and the graph."""
