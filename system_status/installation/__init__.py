"""The check of a whole installation: databases and roles, and each program whose address is given."""
