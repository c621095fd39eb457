"""One address for the Connection Requests of a fleet whose workers are many, and come and go."""

from caretaker.router.routes import Routes, WorkerRoute
from caretaker.router.server import RouterServer

__all__ = ["RouterServer", "Routes", "WorkerRoute"]
