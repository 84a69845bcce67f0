"""Of which image a log line tells."""

from typing import Any

from protocol.bodies import OcrAnswer, OcrRequest
from settings.event_log import ids


def image_ids(of: OcrRequest | OcrAnswer, **more: Any) -> dict[str, Any]:
    """The `extra` of a log call about an image, or its answer."""
    request_id = {"request_id": of.request_id} if of.request_id else {}
    return ids(client_uuid=of.client_uuid, image_file_name=of.image_file_name, **request_id, **more)
