"""Graphile Worker, from npm."""
