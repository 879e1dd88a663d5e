"""Faust, used through its own extension points: chunks in, explicit commits, safe recovery.

The only place that touches private attributes of Faust, aiokafka and mode (pinned in pyproject).
"""
