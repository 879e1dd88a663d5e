"""A backtest: a replay whose portfolios become a report, as a page, as JSON and in the terminal."""
