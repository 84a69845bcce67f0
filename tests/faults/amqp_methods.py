"""Class and method of AMQP 0-9-1 frames (section 1.8 of its reference), as a proxy sees them pass."""

BASIC_PUBLISH = b"\x00\x3c\x00\x28"
BASIC_DELIVER = b"\x00\x3c\x00\x3c"
BASIC_ACK = b"\x00\x3c\x00\x50"  # from the broker: the confirm of a publish; to it: a message is done with
