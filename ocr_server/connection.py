"""How the broker is reached: parameters, queues and exchanges as the contract has them, errors as sentences.

One of the modules that use pika: `consumer.py` keeps a connection, `link.py` and `answers.py` are its channel for
images, `broadcasts.py` is beside it.
"""

import ssl
from collections.abc import Callable
from typing import Final

import pika
from pika import exceptions
from pika.adapters.utils import connection_workflow
from pika.channel import Channel

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


def declare(channel: Channel, settings: RabbitMQ) -> None:
    """Declare all queues; the broker closes the channel when one is there with other arguments.

    Nothing is waited for: what is sent on this channel afterwards finds them.
    """
    for queue in queues(settings.queue_type, settings.result_queue, settings.max_pending, settings.max_pending_bytes):
        channel.queue_declare(queue.name, durable=queue.durable, arguments=dict(queue.arguments) or None)


def declare_exchange(
    connection: pika.SelectConnection, name: str, then: Callable[[], None], failed: Callable[[Exception], None]
) -> None:
    """See that a fanout exchange is there, then call `then`; one that is there is used as it is, whoever declared it.

    Asked on a channel of its own: the broker closes it where there is none. failed: called with the broker's reason.
    """

    def ask(channel: Channel) -> None:
        channel.add_on_close_callback(asked)
        channel.exchange_declare(name, passive=True, callback=lambda _: channel.close())

    def asked(_: Channel, reason: Exception) -> None:
        if isinstance(reason, exceptions.ChannelClosedByBroker) and reason.reply_code == NOT_FOUND:
            connection.channel(on_open_callback=make)
        else:
            done(reason)

    def make(channel: Channel) -> None:
        channel.add_on_close_callback(lambda _, reason: done(reason))
        channel.exchange_declare(name, "fanout", durable=True, callback=lambda _: channel.close())

    def done(reason: Exception) -> None:
        if isinstance(reason, exceptions.ChannelClosedByBroker):
            failed(reason)
        elif connection.is_open:
            then()

    connection.channel(on_open_callback=ask)


def explain(error: BaseException, settings: RabbitMQ) -> str:
    """Why there is no connection, as a sentence."""
    error = _cause(error)
    at, reason = f"{settings.host}:{settings.port}", f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, REFUSALS) or getattr(error, "reply_code", None) in REFUSAL_CODES:
        return f"the broker at {at} does not let us in ({reason}): correct [RabbitMQ] account, password, virtual_host"
    return f"no broker at {at} ({reason}); trying again until it is there"


def _cause(error: BaseException) -> BaseException:
    """What pika has wrapped while it connected."""
    while True:
        inner: object = None
        if isinstance(error, connection_workflow.AMQPConnectionWorkflowFailed):
            inner = error.exceptions[-1]
        elif isinstance(error, connection_workflow.AMQPConnectorPhaseErrorBase):
            inner = error.exception
        elif type(error) is exceptions.AMQPConnectionError and error.args:
            inner = error.args[0]
        if not isinstance(inner, BaseException):
            return error
        error = inner
