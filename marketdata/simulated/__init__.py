"""A seeded market for demonstrations: `backfill` and `cycle` of `simulation`."""
