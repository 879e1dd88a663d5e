"""Candles and order books of exchanges, through ccxt."""
