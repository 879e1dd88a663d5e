"""HTTP client for upstreams: limits, quotas, retries, circuit breakers, no secret in any text."""
