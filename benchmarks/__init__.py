"""Measurements, each by one command; their figures are committed under `reports/benchmarks/`."""
