"""The log as files: Avro containers by topic, day and partition; written whole or not at all."""
