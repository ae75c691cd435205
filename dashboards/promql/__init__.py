"""What is asked of Prometheus, each question by a name. Metric names come from the catalogue."""
