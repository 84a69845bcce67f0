"""A client that resumes waits for images that a new gateway knows nothing of."""

from tests.contract.foreign_peers_v2 import ForeignClientV2, ForeignOcrServerV2
from tests.running import Services

IDLE_TIMEOUT = "WebSocket.idle_timeout=2"


def test_who_resumes_at_a_gateway_that_was_killed_meanwhile_waits_for_its_answer(services: Services) -> None:
    gateway = services.gateway(IDLE_TIMEOUT)
    with ForeignClientV2(gateway.port) as client, ForeignOcrServerV2(services.broker_port) as ocr_server:
        client.upload("r1")
        client.hear_pending("r1")
        gateway.kill()
        again = services.gateway(IDLE_TIMEOUT)
        with ForeignClientV2(again.port, resumes=client.welcome) as back:
            # Whoever came later, waits for nothing and says nothing is disconnected before.
            with ForeignClientV2(again.port) as idle:
                assert idle.hear_close()[0] == 4000
            ocr_server.read(ocr_server.take_image(), "read")
            back.hear_accepted_and_success("r1", "read")
            back.received("r1")
