"""Measures what the exporter costs, beside the custom queries that people run today."""
