"""The Grafana dashboards as code: grafanalib in, JSON out. Knows of the rest only the catalogue of metrics."""
