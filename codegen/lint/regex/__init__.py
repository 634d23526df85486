"""Regular expressions of ECMA-262: read, looked at, and judged by how long they may take."""
