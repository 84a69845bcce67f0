"""How much is measured."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Scale:
    """rounds: how often each figure is taken. share: of the full number of images, 1.0 being all."""

    rounds: int = 3
    share: float = 1.0

    def count(self, full: int) -> int:
        """So many images of `full`, at least one."""
        return max(1, round(full * self.share))
