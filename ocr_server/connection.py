"""How the broker is reached: parameters, queues and exchanges as the contract has them, errors as sentences.

One of three modules that use pika: `consumer.py` takes images and answers them, `broadcasts.py` is beside it.
"""

import ssl
from typing import Final

import pika
from pika import exceptions
from pika.adapters.blocking_connection import BlockingChannel

from protocol.topology import queues
from settings.schema import RabbitMQ

BLOCKED_TIMEOUT: Final = 300
"""Seconds under a broker's alarm until the connection is made anew. When the alarm ends the broker goes on by itself,
and one that has died is told by its heartbeats; so this is for a broker that forgets to say that it has ended."""

NOT_FOUND: Final = 404
REFUSALS: Final = (
    exceptions.AuthenticationError,
    exceptions.ProbableAuthenticationError,
    exceptions.ProbableAccessDeniedError,
)
REFUSAL_CODES: Final = (403, 530)  # AMQP 0-9-1: access-refused, not-allowed


def parameters(settings: RabbitMQ, name: str) -> pika.ConnectionParameters:
    """How to reach the broker of the settings; `name` is shown in its management page."""
    return pika.ConnectionParameters(
        host=settings.host,
        port=settings.port,
        virtual_host=settings.virtual_host,
        credentials=pika.PlainCredentials(settings.account, settings.password),
        heartbeat=settings.heartbeat,
        blocked_connection_timeout=BLOCKED_TIMEOUT,
        ssl_options=pika.SSLOptions(ssl.create_default_context(), settings.host) if settings.tls else None,
        client_properties={"connection_name": name},
    )


def declare(channel: BlockingChannel, settings: RabbitMQ) -> None:
    """Declare all queues; the broker closes the channel when one is there with other arguments."""
    for queue in queues(settings.queue_type, settings.result_queue, settings.max_pending, settings.max_pending_bytes):
        channel.queue_declare(queue.name, durable=queue.durable, arguments=dict(queue.arguments) or None)


def declare_exchange(connection: pika.BlockingConnection, name: str) -> None:
    """See that a fanout exchange is there; one that is there already is used as it is, whoever declared it.

    Asked on a channel of its own: the broker closes it where there is none.
    """
    asking = connection.channel()
    try:
        asking.exchange_declare(name, passive=True)
    except exceptions.ChannelClosedByBroker as error:
        if error.reply_code != NOT_FOUND:
            raise
        asking = connection.channel()
        asking.exchange_declare(name, "fanout", durable=True)
    asking.close()


def explain(error: Exception, settings: RabbitMQ) -> str:
    """Why there is no connection, as a sentence."""
    at, reason = f"{settings.host}:{settings.port}", f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, REFUSALS) or getattr(error, "reply_code", None) in REFUSAL_CODES:
        return f"the broker at {at} does not let us in ({reason}): correct [RabbitMQ] account, password, virtual_host"
    return f"no broker at {at} ({reason}); trying again until it is there"
