"""The state of a running platform, for the commands of operators.

The I/O is in collect, parts, checks and remote_checks; the other modules only compute.
"""
