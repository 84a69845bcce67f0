"""How many bytes of its clients the gateway has in memory: frames that are arriving, images that are not confirmed."""

from protocol.errors import ErrorCode, Refusal


class Memory:
    """One count for all clients. most: bytes that images may take; twice that ends connections that send more."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0

    @property
    def is_exhausted(self) -> bool:
        """True when what is still arriving has to stop."""
        return self.used > 2 * self.most

    def take(self, size: int) -> None:
        """`size` bytes more are in memory."""
        self.used += size

    def give_back(self, size: int) -> None:
        """`size` bytes less."""
        self.used -= size

    def check(self, size: int) -> None:
        """Raises Refusal QUEUE_FULL when there is no room for an image of `size` bytes."""
        if self.used + size > self.most and self.used > size:
            raise Refusal(ErrorCode.QUEUE_FULL, "The gateway has as many images in memory as it may.")
