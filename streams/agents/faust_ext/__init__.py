"""Faust, used through its own extension points: chunks in, explicit commits, safe recovery.

Private attributes of Faust, aiokafka and mode (pinned in pyproject) are used here, and single ones
in `writer`, `stage_worker` and `loop` beside it.
"""
