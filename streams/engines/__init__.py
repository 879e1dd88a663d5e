"""The functional core: pure functions on frozen data; time comes from events only."""
