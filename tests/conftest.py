"""What all tests share: the material in ``../shared``, the schemas, a browser; who runs which."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import gevent.socket
import pytest
from helpers import browser as browsers
from helpers import compiled_tls
from helpers.ends import end_all
from helpers.name_servers import NameServer
from helpers.schemas import Schemas
from hypothesis import HealthCheck, settings

from fuzz.extensions import NAME, SOURCE, made

# Locust patches the process when it is imported; tests of our own threads must not be patched.
os.environ.setdefault("LOCUST_SKIP_MONKEY_PATCH", "1")

# How long an example takes depends on what else the machine does; no test is a timed one. The same
# code has the same examples, so a change is never failed by chance for what was there before it:
# new ones are searched for with --hypothesis-profile random.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("random", _UNTIMED)
settings.register_profile("same", _UNTIMED, derandomize=True)
settings.load_profile("same")

ROOT = Path(__file__).parents[1]
WORKERS_OF_A_CORE = 3
"""Most tests of processes wait more than they compute."""
LONGEST = ("test_all_ways_of_a_run.py", "test_benchmarks.py", "test_linear.py")
"""Files with tests that compute for half a minute or more."""
TURNS_OF_AN_END = 5
"""Of gevent's loop: one from a kill to the end of a greenlet, others for who waits for that."""
SHARED = Path(os.environ.get("CARETAKER_SHARED", ROOT.parent / "shared"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many tests run at once, with ``-n auto`` as ``./scripts/test`` has it."""
    return WORKERS_OF_A_CORE * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that take longest begin first, so that at the end no one waits for them."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(autouse=True, scope="session")
def _temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests and their processes leave of temporary files, pytest deletes."""
    folder = str(tmp_path_factory.mktemp("temporary"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", folder)
        patch.setenv("TMPDIR", folder)
        yield


@pytest.fixture(autouse=True, scope="module")
def _garbage_is_collected() -> Iterator[None]:
    """What a module leaves open warns, and fails there; else where it happens to be collected."""
    yield
    gc.collect()
    gc.freeze()  # the next one looks only at what is new


@pytest.fixture(autouse=True)
def _all_ends() -> Iterator[None]:
    """
    What a test does in gevent's loop ends with it, and would else go on in a later one.

    What is killed or spawned has its last turn here.
    """
    loop = gevent.get_hub().loop
    before = loop.activecnt
    yield
    end_all()
    for _ in range(TURNS_OF_AN_END):
        gevent.sleep(1e-6)  # of 0 there may be many in one turn
    assert loop.activecnt <= before, "timers or sockets are watched for a test that is over"


@pytest.fixture(params=["compiled", "ssl module"])
def tls_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How endpoints that are made in the test speak TLS."""
    compiled_tls.use(request.param, monkeypatch)
    return str(request.param)


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """Stands for the system's resolver."""
    made = NameServer()
    monkeypatch.setattr(gevent.socket, "getaddrinfo", made)
    yield made
    made.end()


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


def _shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: third-party material is not part of the project")
    return folder


@pytest.fixture(scope="session")
def devices() -> Path:
    """Parameter dumps of real routers."""
    return _shared("devices")


@pytest.fixture(scope="session")
def models() -> Path:
    """Data models of the Broadband Forum."""
    return _shared("models")


@pytest.fixture(scope="session")
def captures() -> Path:
    """Recorded exchanges of real ACSs and CPEs."""
    return _shared("captures")


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    """The CWMP schemas."""
    return Schemas(_shared("xsd"))


@pytest.fixture(scope="session")
def by_engine(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Modules whose sessions an I/O engine is to carry have this before them; empty without one."""
    file = made(NAME, SOURCE, tmp_path_factory.mktemp("engine"), headers="Python.h")
    return () if isinstance(file, str) else ("helpers.with_engine", str(file))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browsers.Browser]:
    """Chromium, one for all tests that look at pages (``@pytest.mark.browser``)."""
    if not browsers.is_there():
        pytest.skip(browsers.MISSING)
    with browsers.chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture(autouse=True)
def _valid_envelopes(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Every envelope that a session of either role sends in a test's own process is validated.

    A session writes through two doors, ``encode`` and ``encode_message``; both are watched, as
    ``tests/cwmp/test_schema_net.py`` shows. Where the schemas are absent nothing is validated; the
    compiled twin calls its own functions directly, its sources are validated interpreted.
    """
    folder = SHARED / "xsd"
    if folder.is_dir():
        schemas = Schemas.of(folder)
        monkeypatch.setattr("caretaker.cwmp.session.encode", schemas.encode)
        monkeypatch.setattr("caretaker.cwmp.session.encode_message", schemas.encode_message)
