"""A whole bridge for the browser: the real application on a log in memory and a real database."""
