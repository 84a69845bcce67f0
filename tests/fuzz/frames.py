"""Frames that no client would send: valid ones with damage, in structure and in bytes. Same seed, same frames."""

import base64
import copy
import json
import random
import string
from dataclasses import dataclass
from typing import Any

import msgspec
from hypothesis import strategies as st

IMAGE = bytes(range(64))
KEYS = (
    *("ClientName", "ClientUUID", "ResumeKey", "Token", "ImageFileName", "ImageBase64Data", "ImageData", "RequestId"),
    *("Options", "Received", "Cancel", "ResponseMessage", "Other"),
)
MOST_FRAME = 200_000


@dataclass(frozen=True)
class Speech:
    """A version and codec of the contract. subprotocol: None for v1."""

    subprotocol: str | None

    @property
    def is_binary(self) -> bool:
        return self.subprotocol == "ocr.v2.msgpack"

    def encode(self, message: object) -> bytes:
        """The message as one frame; JSON may hold what the standard forbids, such as NaN."""
        return msgspec.msgpack.encode(message) if self.is_binary else json.dumps(message).encode()

    def decode(self, frame: bytes) -> dict[str, Any]:
        message = msgspec.msgpack.decode(frame) if self.is_binary else json.loads(frame)
        assert isinstance(message, dict)
        return message

    def upload(self, client_uuid: str, name: str) -> dict[str, Any]:
        """An upload that will be read; in v2 the name is the RequestId too."""
        image = {"ImageData": IMAGE} if self.is_binary else {"ImageBase64Data": base64.b64encode(IMAGE).decode()}
        request_id = {} if self.subprotocol is None else {"RequestId": name}
        return {"ClientUUID": client_uuid, "ImageFileName": name, **image, **request_id}

    def templates(self, client_uuid: str) -> list[dict[str, Any]]:
        """Valid messages of a client."""
        found: list[dict[str, Any]] = [{"ClientName": "fuzz"}, self.upload(client_uuid, "a.png")]
        if self.subprotocol is not None:
            found += [
                {"ClientName": "fuzz", "ClientUUID": client_uuid, "ResumeKey": "0" * 64},
                self.upload(client_uuid, "b.png") | {"Options": {"Languages": ["eng"], "PageSegMode": 6}},
                {"ClientUUID": client_uuid, "Received": ["a.png", "b.png"]},
                {"ClientUUID": client_uuid, "Cancel": ["a.png", "c.png"]},
            ]
        return found


SPEECHES = (Speech(None), Speech("ocr.v2"), Speech("ocr.v2.msgpack"))


class Mutations:
    """Valid frames, damaged in one to four places."""

    def __init__(self, seed: int, speech: Speech, client_uuid: str) -> None:
        self._random = random.Random(seed)
        self._speech = speech
        self._templates = speech.templates(client_uuid)

    def frame(self) -> bytes:
        """The next one."""
        chance = self._random
        message = copy.deepcopy(chance.choice(self._templates))
        for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
            self._damage_structure(message)
        frame = bytearray(self._speech.encode(message))
        del frame[MOST_FRAME:]
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 4))):
            self._damage_bytes(frame)
        return bytes(frame)

    def _damage_structure(self, message: dict[str, Any]) -> None:
        chance = self._random
        key = chance.choice(list(message) or ["Other"])
        what = chance.randrange(7)
        if what == 0:
            message.pop(key, None)
        elif what == 1:
            message[chance.choice(KEYS)] = self._value()
        elif what == 2:
            message[key] = [message.get(key)] * chance.choice((0, 1, 2, 30))
        elif what == 3:
            message[chance.choice((key.lower(), key.upper(), key + " ", "", key[:-1]))] = message.pop(key, None)
        elif what == 4:
            message[key] = {key: message.get(key)}
        elif what == 5:
            message.update(copy.deepcopy(chance.choice(self._templates)))
        else:
            message[key] = self._value()

    def _value(self) -> object:
        chance = self._random
        length = chance.choice((0, 1, 63, 64, 65, 1024, 1025, 5000, 100_000))
        made: list[object] = [
            *(None, True, 0, -1, 2**63 - 1, 2**64 - 1, 1.5, -0.0, 1e308, "", "\x00", "\u202e", "圖", [], {}),
            "".join(chance.choices(string.printable, k=min(length, 2000))) + "x" * max(0, length - 2000),
            [chance.choice(KEYS)] * min(length, 2000),
            {chance.choice(KEYS): chance.random()},
            {"a": {"a": {"a": [[[[None]]]]}}},
        ]
        if self._speech.is_binary:
            made += [chance.randbytes(min(length, 5000)), msgspec.msgpack.Ext(chance.randint(-128, 127), b"\xff")]
        else:
            made += ["\ud800", float("nan"), float("inf"), 2**70]
        return chance.choice(made)

    def _damage_bytes(self, frame: bytearray) -> None:
        chance = self._random
        at = chance.randint(0, len(frame))
        to = min(len(frame), at + chance.randint(1, 8))
        what = chance.randrange(5)
        if what == 0:
            del frame[at:to]
        elif what == 1:
            frame[at:at] = frame[at:to] * chance.randint(1, 3)
        elif what == 2:
            frame[at:to] = chance.randbytes(to - at)
        elif what == 3:
            frame[at:at] = chance.choice((b"{", b"[", b'"', b"\x00", b"\xff", b"\\u", b"\xc1", b"\xdf\xff\xff\xff\xff"))
        else:
            del frame[at:]


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
values = st.recursive(scalars, lambda one: st.lists(one) | st.dictionaries(st.text(), one), max_leaves=5)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)


def generated(speech: Speech) -> st.SearchStrategy[bytes]:
    """Frames that hypothesis makes up: any bytes, and objects of the contract's keys with any values."""
    return st.binary(max_size=200) | objects.map(speech.encode) | values.map(speech.encode)
