"""The check of a whole installation: databases and roles, and each program with a given address."""
