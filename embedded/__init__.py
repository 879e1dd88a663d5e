"""Broker, database and schema registry out of wheels, on free ports of 127.0.0.1."""
