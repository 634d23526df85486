"""Use cases, one module a tag: policies decide, `db` keeps, nothing here knows HTTP."""
