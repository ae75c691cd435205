"""Attacks, grouped by the role or the door that attacks; their names are the sentences of docs/security.md."""
