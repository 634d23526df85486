"""How surely redaction hits: false hits in ordinary text, and made-up secrets that it finds."""
