"""A sweep: scores once, then a trial for each choice of numbers, in processes and kept on disk."""
