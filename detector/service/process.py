"""Process of the daemon: service and watchdog, from a configuration to an orderly stop."""

import threading

from detector.config.schema import Config
from detector.process.signals import stop_in_order
from detector.service.daemon import Service
from detector.service.watchdog import watch


def run_until(config: Config, stop: threading.Event) -> None:
    """Serve until `stop` is set, by a signal or by the caller. Raises OperatorError if the service cannot start.

    A signal before the service is there ends the process at once: nothing has been begun.
    """
    service = Service(config)
    stop_in_order(stop)
    service.health.progress()
    watch(service.health)
    try:
        service.run(stop)
    finally:
        service.close()
