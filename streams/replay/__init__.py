"""Replay: the worker's topology in this process, without Faust, broker, clock or network."""
