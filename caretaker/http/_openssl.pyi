from typing import Final, Self

INTERFACE: Final[int]
WANT_NOTHING: Final[int]
WANT_READ: Final[int]
WANT_WRITE: Final[int]
WANT_IDENTITY: Final[int]

class Context:
    def __new__(
        cls,
        *,
        options: int,
        verify_flags: int,
        minimum: int,
        maximum: int,
        security_level: int,
        ciphers: str,
        groups: str,
        verify: bool,
        ca: str | None,
    ) -> Self: ...

class Identity:
    def __new__(cls, certificates: bytes, key: bytes, password: str) -> Self: ...

class Connection:
    def __new__(
        cls,
        context: Context,
        descriptor: int,
        sni: str,
        host: str,
        now: int,
        session: bytes | None,
        has_identity: bool,
    ) -> Self: ...
    def handshake(self) -> int: ...
    def show(self, shown: Identity | None, /) -> None: ...
    def write(self, data: bytes, offset: int, /) -> int: ...
    def read(self, size: int, /) -> bytes | int: ...
    def close(self) -> None: ...
    @property
    def session(self) -> bytes | None: ...
    @property
    def resumed(self) -> bool: ...
    @property
    def has_pending(self) -> bool: ...
