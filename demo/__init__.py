"""A small platform on an embedded PostgreSQL, to see the exporter at work."""
