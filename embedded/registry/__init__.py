"""A schema registry with the REST interface of Confluent's, for Avro, in memory."""
