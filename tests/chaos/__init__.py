"""Faults at random moments of a play, and what must be left of it: `make chaos`."""
