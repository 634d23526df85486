"""How answers, ingest and disk change as one tenant's reports grow from thousands to millions."""
