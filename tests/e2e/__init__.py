"""The real workflows, run by act against a GitHub of our own; by `make e2e`, not `make test`."""
