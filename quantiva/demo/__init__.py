"""The whole platform in one command: parts, topics, workers, sink and a source, then a summary."""
