"""The command line of script/storm."""

import argparse
import logging
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from private_broker import BrokerError

from tests.faults.container_broker import has_image
from tests.faults.ending import on_request_to_end
from tests.storm.storm import run


def main() -> int:
    """0: nothing is lost, repeated, wrong or left; 1: something was; 2: it could not begin; 130: Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="script/storm",
        description="Send images while a schedule kills OCR processes, OCR servers, gateways, connections and the "
        "broker, and count what is lost.",
    )
    parser.add_argument("--images", type=int, default=1000, help="how many, of all clients together (1000)")
    parser.add_argument("--seed", type=int, help="decides what is killed when; without it, a new one")
    parser.add_argument("--clients", type=int, default=20, help="how many (20)")
    parser.add_argument("--broker-image", metavar="IMAGE", help="run RabbitMQ in a container of this image")
    parser.add_argument("--keep", action="store_true", help="keep the logs, also when all is well")
    chosen = parser.parse_args()
    if chosen.images < chosen.clients or chosen.clients < 1:
        parser.error("each client needs an image")
    if chosen.broker_image and not has_image(chosen.broker_image):
        parser.error(f"there is no Docker engine with the image {chosen.broker_image}")
    seed = random.SystemRandom().randrange(1_000_000) if chosen.seed is None else chosen.seed
    begun = time.monotonic()

    def tell(sentence: str) -> None:
        print(f"[{time.monotonic() - begun:6.1f} s] {sentence}", flush=True)  # noqa: T201 - what the program is for

    on_request_to_end(sys.exit)
    folder = Path(tempfile.mkdtemp(prefix="storm-"))
    logging.basicConfig(filename=folder / "clients.txt", level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    print(f"Logs are in {folder} while it runs, and stay there unless all is well (--keep).")  # noqa: T201
    try:
        result = run(chosen.images, seed, chosen.clients, chosen.broker_image, folder, tell)
    except BrokerError as error:
        print(f"It could not begin: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print(f"Interrupted (seed {seed}): what it started has ended; the logs are in {folder}.")  # noqa: T201
        return 130
    for sentence in (*result.count.notes, *result.complaints):
        tell(sentence)
    lines = ["", *result.table, ""]
    print("\n".join(lines))  # noqa: T201
    if result.complaints or not result.count.is_flawless:
        print(f"NOT all well (seed {seed}); the logs are in {folder}.")  # noqa: T201
        return 1
    if not chosen.keep:
        shutil.rmtree(folder)
    print(f"Nothing is lost, repeated or wrong, and nothing is left (seed {seed}).")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
