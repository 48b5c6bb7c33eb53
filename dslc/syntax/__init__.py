"""From text to a tree: YAML 1.2 with spans, and the small languages inside its scalars."""
