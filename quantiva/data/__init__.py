"""Directories of recorded market data: fetched from exchanges, and checked."""
