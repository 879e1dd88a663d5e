"""The embedded broker with a log on disk: a proxy before Tansu that writes down what it takes.

Tansu 0.6.0 keeps everything in memory, frees nothing, and cannot delete records. Here each batch is
in a file before Tansu gets it; a Tansu that has grown too large or has died is started anew and
filled from the file, with the same offsets, while the clients wait.
"""
