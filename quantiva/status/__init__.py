"""What operators' commands share: reading the log, decoding, lag, health. Pure apart from I/O.

The I/O is in reader, decoding, survey, parts, retry and checks; the other modules only compute.
"""
