"""A thread pool works through the images, with a connection for every few of them."""

import concurrent.futures
import itertools
import logging
import math
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from settings.schema import ClientSettings

from .address import Gateway
from .conversation import Conversation
from .errors import ConnectError, ConnectionLost, ImageFailed
from .events import Request
from .folder import ImageFile
from .outstanding import TIMEOUTS_PER_IMAGE
from .report import Report

log = logging.getLogger("Client")


class Work:
    """The images that nobody has taken. Whoever takes some says afterwards that it is done with them."""

    def __init__(self, images: Iterable[ImageFile]) -> None:
        self._left = deque(images)
        self._takers = 0
        self._is_stopped = False
        self._changed = threading.Condition()

    def take(self, count: int) -> list[ImageFile]:
        """Up to `count` images; none when there is nothing more to do.

        Waits while others work: they may bring images back.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._left or not self._takers or self._is_stopped)
            if self._is_stopped or not self._left:
                return []
            self._takers += 1
            return [self._left.popleft() for _ in range(min(count, len(self._left)))]

    def done(self, brought_back: Sequence[ImageFile] = ()) -> None:
        """A taker is done, but for these, which another one may take."""
        with self._changed:
            self._takers -= 1
            self._left.extendleft(reversed(brought_back))
            self._changed.notify_all()

    def stop(self) -> None:
        """Hand out no more; safe to call twice."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    @property
    def left(self) -> list[ImageFile]:
        """What nobody has taken, or what was brought back."""
        with self._changed:
            return list(self._left)


class Simulator:
    """Sends images as many clients would. Used for one run. options: of every image, as in `options_of`."""

    def __init__(
        self, settings: ClientSettings, gateway: Gateway, report: Report, options: dict[str, Any] | None = None
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._report = report
        self._options = options or {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._conversations: set[Conversation] = set()
        self._refusals: list[ConnectError] = []
        self._has_connected = self._is_stopped = False
        self._work = Work(())

    def run(self, images: Sequence[ImageFile]) -> None:
        """Work through the images; the report hears what becomes of each.

        Raises KeyboardInterrupt or OutputGone, then no thread of it is left running.
        """
        self._work = Work(images)
        pool = self._settings.thread_pool
        threads = min(pool.max_thread, math.ceil(len(images) / pool.images_per_connection))
        with concurrent.futures.ThreadPoolExecutor(max(1, threads), thread_name_prefix="client") as executor:
            try:
                workers = [executor.submit(self._work_through) for _ in range(threads)]
                for worker in concurrent.futures.as_completed(workers):
                    worker.result()
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    log.warning("interrupted: stopping; a second time ends at once")
                self._stop()
                raise
        self._tell_refusals(threads)

    def _tell_refusals(self, threads: int) -> None:
        if not self._refusals:
            return
        left, error = self._work.left, self._refusals[-1]
        if not left:
            log.warning(f"{len(self._refusals)} of {threads} threads had to leave their images to the others: {error}")
        elif self._has_connected:
            self._report.not_sent(left, ConnectionLost(f"{len(left)} images are not sent: {error}"))
        else:
            self._report.not_sent(left, error)

    def _work_through(self) -> None:
        """What each thread does: connection after connection, until there are no images or no gateway."""
        while images := self._work.take(self._settings.thread_pool.images_per_connection):
            unanswered = dict.fromkeys(images)
            try:
                self._converse(images, unanswered)
                unanswered.clear()
            except ConnectError as error:
                with self._lock:
                    self._refusals.append(error)
                return
            finally:
                self._work.done(list(unanswered))

    def _converse(self, images: Sequence[ImageFile], unanswered: dict[ImageFile, None]) -> None:
        """Have the images answered over one connection; `unanswered` loses each as soon as it is."""
        client = self._settings.client
        conversation = Conversation(self._gateway, f"Client {next(self._numbers)}", client.max_in_flight)
        requested: dict[Request, ImageFile] = {}

        def requests() -> Iterator[Request]:
            # Each image is read when its turn comes, so that only one more is in memory than is in flight.
            for image in images:
                try:
                    content = image.read(conversation.max_image_bytes)
                except ImageFailed as failure:
                    del unanswered[image]
                    self._report.answered(conversation.log, image, failure)
                else:
                    request = Request(image.name, content, answer_timeout=client.answer_timeout, options=self._options)
                    requested[request] = image
                    yield request

        self._add(conversation)
        try:
            # A gateway that was there is waited for as long as an image on its way would be.
            patience = TIMEOUTS_PER_IMAGE * client.answer_timeout if self._has_connected else None
            conversation.connect(is_again=self._has_connected, patience=patience)
            self._has_connected = True
            for answered in conversation.answers(requests()):
                image = requested.pop(answered.request)
                del unanswered[image]
                self._report.answered(conversation.log, image, answered.answer)
            count = "1 image" if len(images) == 1 else f"{len(images)} images"
            conversation.log.info(f"all sent: {count}", extra=conversation.ids())
            conversation.close("all images are answered")
        finally:
            conversation.close("the run is over")
            with self._lock:
                self._conversations.discard(conversation)

    def _add(self, conversation: Conversation) -> None:
        with self._lock:
            self._conversations.add(conversation)
            is_late = self._is_stopped
        if is_late:
            conversation.abort()

    def _stop(self) -> None:
        self._work.stop()
        with self._lock:
            self._is_stopped = True
            conversations = list(self._conversations)
        for conversation in conversations:
            conversation.abort()
