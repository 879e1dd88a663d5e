"""What a backtest or a live record of a strategy amounts to: figures, tables, doubts. Pure."""
