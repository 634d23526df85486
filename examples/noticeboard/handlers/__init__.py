"""Use cases, one module a tag. They know no HTTP: the generated routes call them."""
