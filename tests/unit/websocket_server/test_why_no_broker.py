"""What the log says of a broker that is there and does not want us: not that there is none."""

from aiormq.exceptions import ChannelAccessRefused

from websocket_server.link import explain


def test_a_right_that_is_missing_is_not_a_missing_broker() -> None:
    said = explain(ChannelAccessRefused(403, "ACCESS_REFUSED - access to queue 'result_queue' refused"), "host:5672")
    assert "no broker" not in said
    assert "ACCESS_REFUSED - access to queue 'result_queue' refused" in said
    assert "rights" in said
