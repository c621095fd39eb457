"""The Fleet page in the web UI, what it asks of workers, and the metrics for Prometheus."""
