"""Manners towards upstreams: limits, quotas, retries, circuit breakers, nothing secret told."""
