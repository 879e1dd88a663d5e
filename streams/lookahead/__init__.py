"""Look-ahead proof: what a stage says up to t is the same with and without what comes after t."""
