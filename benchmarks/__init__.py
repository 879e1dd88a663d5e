"""Measurements beside the peers: `python -m benchmarks [--only NAME] [--quick]`."""
