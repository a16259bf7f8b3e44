"""The broker's configuration, as Amazon MQ takes it.

https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/permitted-attributes.html and
https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/permitted-elements.html
"""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from constructs_lib.lanes import DEAD_LETTER_PREFIX

#: Groups of broker users. Publishers send, consumers receive; neither can do the other's part.
PUBLISHERS = "publishers"
CONSUMERS = "consumers"
_BOTH = f"{PUBLISHERS},{CONSUMERS}"
#: `*` and `>` would be wildcards.
QUEUE_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"


def configuration_xml(queues: Sequence[str]) -> str:
    """The configuration for ``queues``: priorities, delays, dead letters, rights by queue and group.

    Raises ``ValueError`` for names that are no plain queue names: ``*`` and ``>`` would be wildcards.
    """
    for queue in queues:
        if not re.fullmatch(QUEUE_NAME, queue):
            raise ValueError(
                f"A queue's name has letters, digits, '_', '.', '-' and starts with no sign; got {queue!r}."
            )
    # AMQ_SCHEDULED_DELAY, which carries the back-off of a retry, needs the scheduler.
    broker = Element("broker", xmlns="http://activemq.apache.org/schema/core", schedulerSupport="true")
    _destination_policy(broker)
    _authorization(broker, queues)
    indent(broker)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        + tostring(broker, encoding="unicode")
        + "\n"
    )


def _destination_policy(broker: Element) -> None:
    entries = SubElement(SubElement(SubElement(broker, "destinationPolicy"), "policyMap"), "policyEntries")
    # A prefetch of one: a message waits in the queue, where a more urgent one can pass it.
    entry = SubElement(entries, "policyEntry", queue=">", prioritizedMessages="true", queuePrefetch="1")
    strategy = SubElement(entry, "deadLetterStrategy")
    SubElement(
        strategy,
        "individualDeadLetterStrategy",
        queuePrefix=DEAD_LETTER_PREFIX,
        useQueueForQueueMessages="true",
    )


def _authorization(broker: Element, queues: Sequence[str]) -> None:
    plugin = SubElement(SubElement(broker, "plugins"), "authorizationPlugin")
    entries = SubElement(SubElement(SubElement(plugin, "map"), "authorizationMap"), "authorizationEntries")
    for queue in queues:
        for name in (queue, f"{DEAD_LETTER_PREFIX}{queue}"):
            # `admin` is the right to create the queue by its first use.
            SubElement(
                entries, "authorizationEntry", queue=name, read=CONSUMERS, write=PUBLISHERS, admin=_BOTH
            )
    # OpenWire clients, as the event source mapping's pollers are, listen to these by themselves.
    SubElement(
        entries, "authorizationEntry", topic="ActiveMQ.Advisory.>", read=_BOTH, write=_BOTH, admin=_BOTH
    )
