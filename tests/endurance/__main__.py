"""The command line of script/endurance: many small images through one stack, and what grows meanwhile."""

import argparse
import http.client
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from private_broker import BrokerError, PrivateBroker

from tests.contract.drawn_images import drawn
from tests.endurance.samples import BASE, Sample, complaints, files_of, memory_of, table
from tests.faults.ending import on_request_to_end
from tests.running import Gateway, Service, Services, ocr_processes, wait_until

EVERY = 1000
DIFFERENT = 200
"""Different images; the files are links to them."""

AFTERWARDS = 100
"""Images beyond the last sample, so that the client still runs when it is taken."""

PROCESSES = 2
SECONDS_FOR_SOME = 300.0
ASK_EVERY = 0.3
# As by default: a new connection, and for the gateway a new client, for every two images.
CLIENT_SETTINGS = ("ThreadPool.max_thread=4", "ThreadPool.images_per_connection=2", "Client.max_in_flight=2")
# An OCR process that is replaced would start at nothing.
OCR_SETTINGS = ("ProcessPool.images_per_process=1000000",)


def words(number: int) -> str:
    return f"Image number {number % DIFFERENT}"


def make_images(folder: Path, count: int) -> None:
    """A folder with so many image files; few of them take room."""
    originals, images = folder / "originals", folder / "images"
    for made in (originals, images):
        made.mkdir()
    for number in range(DIFFERENT):
        (originals / f"{number}.png").write_bytes(drawn(words(number)))
    for number in range(count):
        (images / f"{number:06}.png").hardlink_to(originals / f"{number % DIFFERENT}.png")


def wait_for_answers(count: int, gateway: Gateway, client: Service) -> None:
    """Return once so many images are answered; asks seldom, since asking is work for the gateway."""
    deadline = time.monotonic() + SECONDS_FOR_SOME
    while gateway.answered() < count:
        assert time.monotonic() < deadline, f"not within {SECONDS_FOR_SOME:g} s: {count} answers"
        assert client.process.poll() is None, f"the client has ended:\n{client.output()[-2000:]}"
        time.sleep(ASK_EVERY)


def sampled(count: int, processes: dict[str, int], broker: PrivateBroker) -> Sample:
    listed = broker.rabbitmqctl("list_queues", "--no-table-headers", "name", "messages").splitlines()
    return Sample(
        count,
        {name: memory_of(pid) for name, pid in processes.items()},
        {name: files_of(pid) for name, pid in processes.items()},
        len(listed),
        sum(int(line.split("\t")[1]) for line in listed),
    )


def run(images: int, folder: Path, tell: Callable[[str], None]) -> list[str]:
    """Everything, once; returns complaints. What ends it early is one of them, and the table shows what there is."""
    samples: list[Sample] = []
    try:
        found = measure(images, folder, samples, tell)
    except (AssertionError, OSError, http.client.HTTPException, BrokerError) as error:
        found = [f"it did not get to its end: {error}"]
    else:
        found += complaints(samples)
    if samples:
        print("", *table(samples), "", sep="\n")  # noqa: T201 - what the program is for
    return found


def measure(images: int, folder: Path, samples: list[Sample], tell: Callable[[str], None]) -> list[str]:
    """Send the images, and add to `samples` meanwhile; returns complaints of what else is wrong."""
    make_images(folder, images + AFTERWARDS)
    (folder / "services").mkdir()
    with PrivateBroker(folder / "broker") as broker:
        services = Services(broker.port, folder / "services")
        try:
            gateway = services.gateway()
            server = services.ocr_server(*OCR_SETTINGS, processes=PROCESSES)
            tell("broker, gateway and OCR server are up")
            readers = sorted(ocr_processes(server))
            processes = {"gateway": gateway.process.pid, "OCR server's parent": server.process.pid}
            processes |= {f"OCR process {number}": pid for number, pid in enumerate(readers, 1)}
            client = start_client(gateway.port, folder)
            processes["client"] = client.process.pid
            try:
                for count in range(EVERY, images + 1, EVERY):
                    wait_for_answers(count, gateway, client)
                    samples.append(sampled(count, processes, broker))
                    tell(f"{count} images are answered")
                code = client.exit_code(SECONDS_FOR_SOME)
            finally:
                client.kill()
            found = [] if code == 0 else [f"the client ended with {code}:\n{client.output()[-2000:]}"]
            found += wrong_texts(folder, images + AFTERWARDS)
            wait_until(lambda: not sampled(0, {}, broker).messages, "all queues are empty")
            if sorted(ocr_processes(server)) != readers:
                found.append("an OCR process was replaced")
        finally:
            services.close()
    return found


def start_client(port: int, folder: Path) -> Service:
    """Our client program, sending the whole folder."""
    settings = (f"WebSocket.port={port}", f"ImagePath.image_dir={folder / 'images'}", *CLIENT_SETTINGS)
    arguments = [part for setting in settings for part in ("--set", setting)]
    return Service("client", [*arguments, "--output", str(folder / "texts"), "--json"], folder / "client")


def wrong_texts(folder: Path, count: int) -> list[str]:
    """Images whose text is missing or another's."""
    found = []
    for number in range(count):
        path = folder / "texts" / f"{number:06}.png.txt"
        text = path.read_text("utf-8").strip() if path.exists() else None
        if text != words(number):
            found.append(f"image {number} should have {words(number)!r} and has {text!r}")
    return found


def main() -> int:
    """0: all flat and all texts right; 1: not; 130: Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="script/endurance",
        description="Send many small images through one stack, and see that neither memory nor files nor queues grow.",
    )
    parser.add_argument("--images", type=int, default=20_000, help=f"how many, a multiple of {EVERY} (20000)")
    images = parser.parse_args().images
    if images % EVERY or images <= BASE:
        parser.error(f"--images is a multiple of {EVERY}, and more than {BASE}")
    begun = time.monotonic()

    def tell(sentence: str) -> None:
        print(f"[{time.monotonic() - begun:6.1f} s] {sentence}", flush=True)  # noqa: T201

    on_request_to_end(sys.exit)
    folder = Path(tempfile.mkdtemp(prefix="endurance-"))
    print(f"Logs are in {folder} while it runs, and stay there unless all is well.", flush=True)  # noqa: T201
    try:
        found = run(images, folder, tell)
    except KeyboardInterrupt:
        print(f"Interrupted: what it started has ended; the logs are in {folder}.")  # noqa: T201
        return 130
    for complaint in found:
        tell(complaint)
    if found:
        print(f"NOT all well; the logs are in {folder}.")  # noqa: T201
        return 1
    shutil.rmtree(folder)
    print("Memory, files and queues are flat, and every text is right.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
