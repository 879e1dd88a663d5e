"""What the two simulated exchanges share: markets, candles, books, matching, orders, streams."""
