"""What exporter and control API share: engines, sources, schedules and our own tables."""
