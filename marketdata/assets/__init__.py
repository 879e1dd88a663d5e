"""Asset symbols, markets, and which assets a text names."""
