"""The two accounts of docs/security.md: our servers run with them, and what is not theirs is refused to them."""

import re
import secrets
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pika
import pytest
from broker_definitions import PERMISSIONS, Permissions, main
from pika import exceptions
from private_broker import PrivateBroker

from tests.contract.foreign_peers import ForeignAmqpPeer
from tests.faults.container_broker import Broker
from tests.faults.peer import Peer
from tests.running import ROOT, Services, wait_until

Action = Callable[[pika.adapters.blocking_connection.BlockingChannel], object]


def documented() -> dict[str, list[str]]:
    """The arguments of `rabbitmqctl set_permissions` in docs/security.md, by account."""
    text = (ROOT / "docs/security.md").read_text("utf-8")
    commands = [shlex.split(line) for line in re.findall(r"^\$ rabbitmqctl (set_permissions .*)$", text, re.MULTILINE)]
    return {arguments[3]: arguments for arguments in commands}


def test_the_definitions_of_compose_are_taken_by_the_broker(own_broker: Broker, tmp_path: Path) -> None:
    if not isinstance(own_broker, PrivateBroker):
        pytest.skip("the file is on this machine; in a container, tests/e2e/test_compose.py shows it")
    main([str(tmp_path)])
    own_broker.rabbitmqctl("import_definitions", str(tmp_path / "broker/definitions.json"))
    for account in PERMISSIONS:
        own_broker.rabbitmqctl("authenticate_user", account, (tmp_path / account / "password").read_text("utf-8"))
    with ForeignAmqpPeer(own_broker.port) as guest:
        for queue in ("pending_queue", "result_queue", "dead_letter_queue"):
            assert guest.waiting(queue) == 0


@pytest.fixture(scope="module")
def passwords(broker: Broker) -> Iterator[dict[str, str]]:
    """The passwords of the two accounts, which are there, with the documented permissions."""
    made = {account: secrets.token_hex(8) for account in PERMISSIONS}
    for account, password in made.items():
        broker.rabbitmqctl("add_user", account, password)
        broker.rabbitmqctl(*documented()[account])
    yield made
    for account in made:
        broker.rabbitmqctl("delete_user", account)


def log_in(account: str, passwords: dict[str, str]) -> list[str]:
    return [f"RabbitMQ.account={account}", f"RabbitMQ.password={passwords[account]}"]


def test_the_documented_permissions_are_those_that_compose_grants() -> None:
    assert {account: Permissions(*arguments[4:]) for account, arguments in documented().items()} == PERMISSIONS


@pytest.mark.usefixtures("tesseract")
def test_the_servers_do_all_their_work_with_the_documented_permissions(
    services: Services, broker: Broker, passwords: dict[str, str]
) -> None:
    # The first start at an empty broker: each declares what it may, and waits for the other.
    gateway = services.gateway(*log_in("gateway", passwords), ready=False)
    server = services.ocr_server(*log_in("ocr_server", passwords))
    gateway.wait_until_ready()

    with Peer("reader", says_received=False) as peer, ForeignAmqpPeer(broker.port) as guest:
        peer.connect(gateway.port)
        peer.ask("hello")
        peer.wait_answered()
        peer.close()
        held = f"held.{peer.client_uuid}"
        wait_until(lambda: f"'{held}'" in repr(broker.rabbitmqctl("list_queues", "name").split()), "it is declared")
        wait_until(lambda: guest.waiting(held) == 1, "the answer is held")
        peer.connect(gateway.port)
        wait_until(lambda: guest.waiting(held) == 0, "the held answer is handed over")
        peer.says_received = True
        peer.ask("again")
        peer.wait_answered()
        peer.cancel(["never asked"])
        peer.close()
        wait_until(lambda: len(_bound(broker, "ocr.control")) == 1, "the OCR process hears cancellations")
        wait_until(lambda: len(_bound(broker, "ocr.announce")) == 1, "the gateway hears announcements")
    services.stop()
    started_late = gateway.output().index("connected to the broker")
    for output in (gateway.output()[started_late:], server.output().partition("listening")[2]):
        assert "ACCESS_REFUSED" not in output


@pytest.mark.usefixtures("tesseract")
def test_servers_that_are_not_let_in_any_more_say_so_though_they_were(own_broker: Broker, tmp_path: Path) -> None:
    own_broker.rabbitmqctl("add_user", "account", "password")
    own_broker.rabbitmqctl("set_permissions", "account", ".*", ".*", ".*")
    account = ["RabbitMQ.account=account", "RabbitMQ.password=password"]
    with closing(Services(own_broker.port, tmp_path)) as services:
        gateway, server = services.gateway(*account), services.ocr_server(*account)
        own_broker.rabbitmqctl("change_password", "account", "another")
        own_broker.rabbitmqctl("close_all_connections", "--global", "an operator's wish")
        for service in (gateway, server):
            service.wait_for_output("does not let us in")
        own_broker.rabbitmqctl("change_password", "account", "password")
        gateway.wait_until_ready()
        server.wait_for_output("listening", times=2)


def _bound(broker: Broker, exchange: str) -> list[str]:
    rows = broker.rabbitmqctl("list_bindings", "source_name", "destination_name").splitlines()
    return [row for row in rows if row.split("\t")[0] == exchange]


def consume(queue: str) -> Action:
    return lambda channel: channel.basic_consume(queue, lambda *_: None)


def get(queue: str) -> Action:
    return lambda channel: channel.basic_get(queue)


def declare(queue: str) -> Action:
    return lambda channel: channel.queue_declare(queue, durable=True)


def publish(exchange: str) -> Action:
    def action(channel: pika.adapters.blocking_connection.BlockingChannel) -> None:
        channel.confirm_delivery()
        channel.basic_publish(exchange, "", b"")

    return action


def listen(exchange: str) -> Action:
    def action(channel: pika.adapters.blocking_connection.BlockingChannel) -> None:
        channel.queue_bind(channel.queue_declare("", exclusive=True).method.queue, exchange)

    return action


REFUSED = {
    "gateway": {
        "taking images": consume("pending_queue"),
        "reading dead letters": get("dead_letter_queue"),
        "emptying the queue of images": lambda channel: channel.queue_purge("pending_queue"),
        "announcing": publish("ocr.announce"),
        "hearing cancellations": listen("ocr.control"),
        "other queues": declare("other"),
        "other exchanges": lambda channel: channel.exchange_declare("other", "fanout"),
        "what others publish": listen("amq.fanout"),
    },
    "ocr_server": {
        "taking answers": consume("result_queue"),
        "taking another gateway's answers": get("result_queue.second"),
        "emptying the queue of answers": lambda channel: channel.queue_purge("result_queue"),
        "taking held answers": consume("held.client"),
        "declaring held queues": declare("held.another"),
        "deleting held queues": lambda channel: channel.queue_delete("held.client"),
        "reading dead letters": get("dead_letter_queue"),
        "cancelling": publish("ocr.control"),
        "hearing announcements": listen("ocr.announce"),
        "other queues": declare("other"),
        "what others publish": listen("amq.fanout"),
    },
}


@pytest.fixture
def guest(broker: Broker) -> Iterator[ForeignAmqpPeer]:
    """Everything is there that the accounts are then refused; a missing queue would be refused for that."""
    names = ("pending_queue", "result_queue", "result_queue.second", "dead_letter_queue", "held.client")
    with ForeignAmqpPeer(broker.port) as peer:
        for name in names:
            peer.channel.queue_declare(name, durable=True)
        for exchange in ("ocr.control", "ocr.announce"):
            peer.channel.exchange_declare(exchange, "fanout", durable=True)
        yield peer
        for name in names:
            peer.channel.queue_delete(name)


@pytest.mark.usefixtures("guest")
@pytest.mark.parametrize(
    ("account", "what"), [(account, what) for account, refused in REFUSED.items() for what in refused]
)
def test_what_is_not_its_own_is_refused_to_an_account(
    broker: Broker, passwords: dict[str, str], account: str, what: str
) -> None:
    credentials = pika.PlainCredentials(account, passwords[account])
    parameters = pika.ConnectionParameters("127.0.0.1", broker.port, credentials=credentials)
    with (
        pika.BlockingConnection(parameters) as connection,
        pytest.raises(exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED"),
    ):
        REFUSED[account][what](connection.channel())
