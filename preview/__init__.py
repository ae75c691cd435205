"""Draws the dashboards in a browser with Grafana's own packages, for the demo and the tests."""
