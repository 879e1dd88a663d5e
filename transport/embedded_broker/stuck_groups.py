"""The embedded broker (Tansu 0.6.0) can keep the leader of a consumer group that is gone.

Then nobody ever joins the group again. Its cure: keep the offsets, delete the group, commit them.
"""

from __future__ import annotations

import logging

from transport import clients
from transport.settings import Settings

_log = logging.getLogger(__name__)
_TIMEOUT_S = 10


def free_group(settings: Settings, group: str, topics: list[str]) -> bool:
    """Make a group again with the offsets that it has committed in topics (names on the broker).

    Blocks for some seconds; call it only when no member of the group is alive. Returns whether
    the group could be freed.
    """
    from confluent_kafka import KafkaException, TopicPartition  # only when needed

    admin = clients.blocking_admin(settings)
    consumer = clients.blocking_consumer(settings, group)
    try:
        metadata = admin.list_topics(timeout=_TIMEOUT_S).topics
        wanted = [
            TopicPartition(name, number)
            for name in topics
            if name in metadata
            for number in metadata[name].partitions
        ]
        kept = [tp for tp in consumer.committed(wanted, timeout=_TIMEOUT_S) if tp.offset >= 0]
        admin.delete_consumer_groups([group])[group].result(_TIMEOUT_S)
        if kept:
            consumer.assign(kept)
            consumer.commit(offsets=kept, asynchronous=False)
    except KafkaException as error:
        _log.warning("group %s could not be freed: %s", group, error)
        return False
    finally:
        consumer.close()
    _log.warning("group %s was freed; %d committed offsets kept", group, len(kept))
    return True
