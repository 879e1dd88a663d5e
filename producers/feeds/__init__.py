"""The feeds: what is fetched when, and turned into market events."""
