"""Reads queues off the scrape and serves what it read as Prometheus metrics."""
