"""`python -m ocr_server`: load the settings, find the engine, run the pool, give the exit code."""

import logging
import sys
from collections.abc import Sequence
from typing import Final

from settings import event_log
from settings.command_line import Exit, load_settings, parser
from settings.loader import SettingsError, describe
from settings.schema import OcrServerSettings

from .control import Outcome
from .engine import EngineMissing
from .installation import choose
from .metrics import Metrics, PortTaken, serve
from .scripts import AUTO
from .stop_signals import StopSignals
from .supervisor import PoolFailed, Supervisor

EXIT_CODES = f"""\
  {Exit.OK}  stopped by SIGTERM or SIGINT
  {Exit.USAGE}  a flag is wrong
  {Exit.SETTINGS}  a setting is wrong or unknown
  {Exit.QUEUES_DIFFER}  a queue is there with other arguments
  {Exit.NO_ENGINE}  Tesseract or its language data is missing
  {Exit.PORT_TAKEN}  the port of [Metrics] cannot be listened on
"""

LEAST_MEMORY: Final = 512 * 1024 * 1024
"""Bytes of address space, of which a process that has loaded English takes more than half."""

log = logging.getLogger("OCR_Server")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the OCR server; returns the exit code. argv: None takes the process's own arguments."""
    arguments = parser("online-ocr-server", "The OCR server of Online OCR.", EXIT_CODES).parse_args(argv)
    event_log.configure(arguments.log_format)
    signals = StopSignals()  # at once: finding and loading the engine takes a moment
    try:
        settings, source = load_settings(OcrServerSettings, "ocr_server_settings.ini", arguments)
        log.info(f"settings of {source}: {describe(settings)}")
        check(settings)
        choice = choose(settings.tesseract_location, settings.ocr.languages)
        log.info(f"engine {choice.engine}, languages {' '.join(choice.languages)} from {choice.tessdata}")
        if choice.note:
            log.warning(choice.note)
        metrics = Metrics()
        if settings.metrics.port:
            serve(metrics, settings.metrics.host, settings.metrics.port)
            log.info(f"metrics at http://{settings.metrics.host}:{settings.metrics.port}/metrics")
        Supervisor(settings, choice, arguments.log_format, signals, metrics).run()
    except SettingsError as error:
        log.error(str(error))
        return Exit.SETTINGS
    except EngineMissing as error:
        log.error(str(error))
        return Exit.NO_ENGINE
    except PortTaken as error:
        log.error(str(error))
        return Exit.PORT_TAKEN
    except PoolFailed as error:
        log.error(str(error))
        return Exit.QUEUES_DIFFER if error.outcome is Outcome.QUEUES_DIFFER else Exit.NO_ENGINE
    return Exit.OK


def check(settings: OcrServerSettings) -> None:
    """Refuse what no process could work with. Raises SettingsError."""
    if not settings.ocr.languages:
        raise SettingsError("[OCR] languages is empty. Name at least one, as in: eng")
    if AUTO in settings.ocr.languages and len(settings.ocr.languages) > 1:
        raise SettingsError(
            f"[OCR] languages = {' '.join(settings.ocr.languages)}: {AUTO} stands alone, and chooses among all that "
            f"are installed. To have a choice among some, name these, and clients can ask for {AUTO}."
        )
    if 0 < settings.process_pool.memory_limit < LEAST_MEMORY:
        raise SettingsError(
            f"[ProcessPool] memory_limit = {settings.process_pool.memory_limit} is less than Python, Tesseract and its "
            f"data need. Allowed: 0 for none, or {LEAST_MEMORY} and more."
        )


if __name__ == "__main__":
    sys.exit(main())
