"""What became of scores and signals: the asset's later returns, and what they say of an engine."""
