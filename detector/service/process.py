"""Process of the daemon: service and watchdog, from a configuration to an orderly stop."""

import threading

from detector.config.schema import Config
from detector.service.daemon import Service
from detector.service.watchdog import watch


def run_until(config: Config, stop: threading.Event) -> None:
    """Serve until `stop` is set. Raises OperatorError if the service cannot start."""
    service = Service(config)
    service.health.progress()
    watch(service.health)
    try:
        service.run(stop)
    finally:
        service.close()
