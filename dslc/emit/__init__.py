"""What a backend is, and what it writes with: a model of a Python module, its printer, names."""
