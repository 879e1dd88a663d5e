"""The PostgreSQL sink: eleven tables, batched upserts, one transaction a flush."""

from sinks.postgres.migrate import migrate
from sinks.postgres.sink import PostgresSink

__all__ = ["PostgresSink", "migrate"]
