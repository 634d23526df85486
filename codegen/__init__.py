"""Turns an OpenAPI 3.0 or 3.1 contract into a Python package. Knows nothing of any one contract."""
