"""
The messages of CWMP: one class per RPC request and response (TR-069 Annex A).

Rules of this file:

* Class names are the standard's; fields are its argument names in snake_case, in schema order.
  ``message_xml.py`` maps them to XML names, once and by rule.
* All values are text as on the wire, but for numbers and booleans of the *messages* themselves:
  a simulator hands on what devices send, a date like ``0001-01-01T00:00:00Z`` included.
* ``tuple[X, ...]`` is a SOAP array; a plain repeated element is marked ``Repeated``; an element
  that may be left out is ``None`` then.
* Every request names its response class in ``response``. ``CPE_METHODS`` and ``ACS_METHODS`` list
  the requests by who answers them; ``REQUESTS`` and ``RESPONSES`` are made of these two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple, TypeVar, dataclass_transform

from caretaker.cwmp.faults import meaning

UNKNOWN_TIME = "0001-01-01T00:00:00Z"
"""The standard's value for a time that is not known (TR-106 3.2)."""


class Repeated:
    """Marks a field whose elements stand side by side, without an array around them."""


class Negligible:
    """Marks a number that no answer needs: one that is no number is read as the default."""


# -- structs ------------------------------------------------------------------------------------
# NamedTuples: there are thousands of them in one answer, and tuples are cheapest to make.


class ParameterValueStruct(NamedTuple):
    """A parameter with its value and ``xsi:type`` (``xsd:...``, or empty where none was sent)."""

    name: str
    value: str
    type: str = "xsd:string"


class ParameterInfoStruct(NamedTuple):
    """A parameter or object; ``writable`` of an object: rows can be added, or it be deleted."""

    name: str
    writable: bool


class ParameterAttributeStruct(NamedTuple):
    """Notification 0 (off) to 6 and the access list of a parameter."""

    name: str
    notification: int
    access_list: tuple[str, ...] = ()


class SetParameterAttributesStruct(NamedTuple):
    """A change of the attributes of a parameter, or of all below a partial path (A.3.2.4)."""

    name: str
    notification_change: bool
    notification: int
    access_list_change: bool
    access_list: tuple[str, ...] = ()


class EventStruct(NamedTuple):
    """An event of an Inform; ``command_key`` is empty but for ``M ...`` events."""

    event_code: str
    command_key: str = ""


class DeviceIdStruct(NamedTuple):
    """The identity of a CPE, equal to its DeviceInfo parameters (A.3.3.1)."""

    manufacturer: str
    oui: str
    product_class: str
    serial_number: str

    @property
    def device_id(self) -> str:
        """
        ``OUI-ProductClass-SerialNumber``, without the class where a device has none (3.4.4).

        Each part is percent-encoded but for letters, digits and ``_``, so that they can be split
        again.
        """
        _, oui, product_class, serial_number = self
        parts = (oui, product_class, serial_number)
        return "-".join([_percent_encoded(part) for part in parts if part])


def _percent_encoded(text: str) -> str:
    if text.isascii():
        if text.isalnum():
            return text
        if text.replace("-", "0").isalnum():  # as many serial numbers are
            return text.replace("-", "%2D")
    octets = text.encode("utf-8", "surrogatepass")
    return _SPECIAL.sub(lambda match: b"%%%02X" % match[0][0], octets).decode("ascii")


_SPECIAL = re.compile(rb"[^A-Za-z0-9_]")


class FaultStruct(NamedTuple):
    """The outcome of a transfer or deployment unit operation; code 0 is success."""

    fault_code: int = 0
    fault_string: str = ""


class SetParameterValuesFault(NamedTuple):
    """The fault of one parameter of a SetParameterValues (A.3.2.1)."""

    parameter_name: str
    fault_code: int
    fault_string: str = ""


class TimeWindowStruct(NamedTuple):
    """When a ScheduleDownload may run; start and end in seconds from receipt."""

    window_start: int
    window_end: int
    window_mode: str
    user_message: str = ""
    max_retries: int = -1


class QueuedTransferStruct(NamedTuple):
    """A transfer in the queue; state 1 not started, 2 in progress, 3 completed."""

    command_key: str
    state: int


class AllQueuedTransferStruct(NamedTuple):
    """A transfer in the queue, also one that the ACS did not ask for."""

    command_key: str
    state: int
    is_download: bool
    file_type: str
    file_size: int = 0
    target_file_name: str = ""


class ArgStruct(NamedTuple):
    """A name and value of RequestDownload."""

    name: str
    value: str


class OptionStruct(NamedTuple):
    """A vouchered option (deprecated)."""

    option_name: str
    voucher_sn: int
    state: int
    mode: int
    start_date: str = UNKNOWN_TIME
    expiration_date: str = UNKNOWN_TIME
    is_transferable: bool = False


class InstallOpStruct(NamedTuple):
    """An operation of ChangeDUState: install a deployment unit (A.4.1.10)."""

    url: str
    uuid: str | None = None
    username: str | None = None
    password: str | None = None
    execution_env_ref: str | None = None


class UpdateOpStruct(NamedTuple):
    """An operation of ChangeDUState: update one deployment unit, or all (A.4.1.10)."""

    uuid: str | None = None
    version: str | None = None
    url: str | None = None
    username: str | None = None
    password: str | None = None


class UninstallOpStruct(NamedTuple):
    """An operation of ChangeDUState: uninstall a deployment unit (A.4.1.10)."""

    uuid: str
    version: str | None = None
    execution_env_ref: str | None = None


OperationStruct = InstallOpStruct | UpdateOpStruct | UninstallOpStruct


class OpResultStruct(NamedTuple):
    """The result of one operation of a ChangeDUState."""

    uuid: str
    deployment_unit_ref: str
    version: str
    current_state: str
    resolved: bool
    execution_unit_ref_list: str
    start_time: str = UNKNOWN_TIME
    complete_time: str = UNKNOWN_TIME
    fault: FaultStruct = FaultStruct()


class AutonOpResultStruct(NamedTuple):
    """The result of one deployment unit operation that the ACS did not ask for."""

    uuid: str
    deployment_unit_ref: str
    version: str
    current_state: str
    resolved: bool
    execution_unit_ref_list: str
    start_time: str
    complete_time: str
    fault: FaultStruct
    operation_performed: str


# -- roots --------------------------------------------------------------------------------------


class Message:
    """Anything that can stand in the Body of an envelope."""

    __slots__ = ()


class Response(Message):
    """An answer to a request; a Fault is one too (TR-069 3.5)."""

    __slots__ = ()


class Request(Message):
    """A call of an RPC; ``response`` is the class of the answer that is no fault."""

    __slots__ = ()
    response: ClassVar[type[Response]]


_M = TypeVar("_M", bound=Message)


@dataclass_transform(frozen_default=True)
def message(cls: type[_M]) -> type[_M]:
    """
    Make a message class: a dataclass whose instances are equal when their fields are.

    Messages never change. The type checker sees to that; a frozen dataclass would, too, but takes
    a few times as long to make.
    """
    return dataclass(unsafe_hash=True, slots=True)(cls)


@message
class UnknownRequest(Request):
    """A request whose method is not of the standard; it is answered with a fault."""

    name: str
    response: ClassVar[type[Response]] = Response


@message
class UnreadableRequest(Request):
    """A request of a known method whose arguments can't be read; it is answered with a fault."""

    name: str
    reason: str = ""
    response: ClassVar[type[Response]] = Response


@message
class UnknownResponse(Response):
    """An answer whose method is not of the standard."""

    name: str


@message
class Fault(Response):
    """
    A SOAP fault with its CWMP detail (TR-069 3.5).

    ``fault_code`` is 0 where a SOAP fault came without CWMP detail.
    """

    fault_code: int
    fault_string: str
    set_parameter_values_fault: tuple[SetParameterValuesFault, ...] = ()
    faultcode: str = "Server"

    @classmethod
    def of(cls, fault_code: int, fault_string: str = "", *faults: SetParameterValuesFault) -> Fault:
        """The fault of a code, in the standard's words unless others are given."""
        known = meaning(fault_code)
        return cls(int(fault_code), fault_string or known.fault_string, faults, known.faultcode)


# -- responses and requests, each pair together ---------------------------------------------------


@message
class GetRPCMethodsResponse(Response):
    """The names of the methods that the responder supports."""

    method_list: tuple[str, ...]


@message
class GetRPCMethods(Request):
    """Ask for the methods that the peer supports (A.3.1.1)."""

    response: ClassVar[type[Response]] = GetRPCMethodsResponse


@message
class SetParameterValuesResponse(Response):
    """Status 0: applied; 1: committed, to be applied before the next session."""

    status: int = 0


@message
class SetParameterValues(Request):
    """Set the values of parameters, all or none (A.3.2.1)."""

    parameter_list: tuple[ParameterValueStruct, ...]
    parameter_key: str = ""
    response: ClassVar[type[Response]] = SetParameterValuesResponse


@message
class GetParameterValuesResponse(Response):
    """The values of the parameters that were asked for."""

    parameter_list: tuple[ParameterValueStruct, ...]


@message
class GetParameterValues(Request):
    """Ask for the values of parameters, or of all below a partial path (A.3.2.2)."""

    parameter_names: tuple[str, ...]
    response: ClassVar[type[Response]] = GetParameterValuesResponse


@message
class GetParameterNamesResponse(Response):
    """The parameters and objects below the path that was asked for."""

    parameter_list: tuple[ParameterInfoStruct, ...]


@message
class GetParameterNames(Request):
    """Ask for the names below a path: all of them, or one level (A.3.2.3)."""

    parameter_path: str
    next_level: bool
    response: ClassVar[type[Response]] = GetParameterNamesResponse


@message
class SetParameterAttributesResponse(Response):
    """The attributes are set."""


@message
class SetParameterAttributes(Request):
    """Change notification and access lists (A.3.2.4)."""

    parameter_list: tuple[SetParameterAttributesStruct, ...]
    response: ClassVar[type[Response]] = SetParameterAttributesResponse


@message
class GetParameterAttributesResponse(Response):
    """The attributes of the parameters that were asked for."""

    parameter_list: tuple[ParameterAttributeStruct, ...]


@message
class GetParameterAttributes(Request):
    """Ask for the attributes of parameters, or of all below a partial path (A.3.2.5)."""

    parameter_names: tuple[str, ...]
    response: ClassVar[type[Response]] = GetParameterAttributesResponse


@message
class AddObjectResponse(Response):
    """The number of the new row; status as for SetParameterValues."""

    instance_number: int
    status: int = 0


@message
class AddObject(Request):
    """Add a row to a table, whose name ends with a dot (A.3.2.6)."""

    object_name: str
    parameter_key: str = ""
    response: ClassVar[type[Response]] = AddObjectResponse


@message
class DeleteObjectResponse(Response):
    """Status as for SetParameterValues."""

    status: int = 0


@message
class DeleteObject(Request):
    """Remove a row, whose name ends with a dot, and all below it (A.3.2.7)."""

    object_name: str
    parameter_key: str = ""
    response: ClassVar[type[Response]] = DeleteObjectResponse


@message
class RebootResponse(Response):
    """The reboot follows the session."""


@message
class Reboot(Request):
    """Reboot after this session (A.3.2.9)."""

    command_key: str = ""
    response: ClassVar[type[Response]] = RebootResponse


@message
class FactoryResetResponse(Response):
    """The reset follows the session."""


@message
class FactoryReset(Request):
    """Back to factory defaults after this session (A.4.1.6)."""

    response: ClassVar[type[Response]] = FactoryResetResponse


@message
class ScheduleInformResponse(Response):
    """The Inform is scheduled."""


@message
class ScheduleInform(Request):
    """Have the CPE send an Inform after a number of seconds (A.4.1.2)."""

    delay_seconds: int
    command_key: str = ""
    response: ClassVar[type[Response]] = ScheduleInformResponse


@message
class DownloadResponse(Response):
    """Status 0: done and applied; 1: a TransferComplete follows."""

    status: int = 1
    start_time: str = UNKNOWN_TIME
    complete_time: str = UNKNOWN_TIME


@message
class Download(Request):
    """Have the CPE download a file by HTTP GET (A.3.2.8)."""

    command_key: str
    file_type: str
    url: str
    username: str = ""
    password: str = ""
    file_size: int = 0
    target_file_name: str = ""
    delay_seconds: int = 0
    success_url: str = ""
    failure_url: str = ""
    response: ClassVar[type[Response]] = DownloadResponse


@message
class UploadResponse(Response):
    """Status 0: done; 1: a TransferComplete follows."""

    status: int = 1
    start_time: str = UNKNOWN_TIME
    complete_time: str = UNKNOWN_TIME


@message
class Upload(Request):
    """Have the CPE upload a file by HTTP PUT (A.4.1.5)."""

    command_key: str
    file_type: str
    url: str
    username: str = ""
    password: str = ""
    delay_seconds: int = 0
    response: ClassVar[type[Response]] = UploadResponse


@message
class ScheduleDownloadResponse(Response):
    """The download is scheduled."""


@message
class ScheduleDownload(Request):
    """Have the CPE download a file within time windows (A.4.1.8)."""

    command_key: str
    file_type: str
    url: str
    username: str = ""
    password: str = ""
    file_size: int = 0
    target_file_name: str = ""
    time_window_list: tuple[TimeWindowStruct, ...] = ()
    response: ClassVar[type[Response]] = ScheduleDownloadResponse


@message
class CancelTransferResponse(Response):
    """The transfer is cancelled."""


@message
class CancelTransfer(Request):
    """Cancel the transfer of a CommandKey (A.4.1.9)."""

    command_key: str
    response: ClassVar[type[Response]] = CancelTransferResponse


@message
class GetQueuedTransfersResponse(Response):
    """The queue of transfers that the ACS asked for."""

    transfer_list: tuple[QueuedTransferStruct, ...]


@message
class GetQueuedTransfers(Request):
    """Ask for the queue of transfers that the ACS asked for (deprecated)."""

    response: ClassVar[type[Response]] = GetQueuedTransfersResponse


@message
class GetAllQueuedTransfersResponse(Response):
    """The queue of all transfers."""

    transfer_list: tuple[AllQueuedTransferStruct, ...]


@message
class GetAllQueuedTransfers(Request):
    """Ask for the queue of all transfers (A.4.1.7)."""

    response: ClassVar[type[Response]] = GetAllQueuedTransfersResponse


@message
class SetVouchersResponse(Response):
    """The vouchers are set."""


@message
class SetVouchers(Request):
    """Set option vouchers, each in base64 (deprecated)."""

    voucher_list: tuple[bytes, ...]
    response: ClassVar[type[Response]] = SetVouchersResponse


@message
class GetOptionsResponse(Response):
    """The options that were asked for."""

    option_list: tuple[OptionStruct, ...]


@message
class GetOptions(Request):
    """Ask for the options that are set (deprecated)."""

    option_name: str
    response: ClassVar[type[Response]] = GetOptionsResponse


@message
class ChangeDUStateResponse(Response):
    """The operations are accepted; a DUStateChangeComplete follows."""


@message
class ChangeDUState(Request):
    """Install, update or uninstall deployment units (A.4.1.10)."""

    operations: Annotated[tuple[OperationStruct, ...], Repeated]
    command_key: str = ""
    response: ClassVar[type[Response]] = ChangeDUStateResponse


@message
class InformResponse(Response):
    """The session is established; MaxEnvelopes counts as 1, whatever is sent (3.7)."""

    max_envelopes: Annotated[int, Negligible] = 1


@message
class Inform(Request):
    """The first message of every session (A.3.3.1)."""

    device_id: DeviceIdStruct
    event: tuple[EventStruct, ...]
    max_envelopes: Annotated[int, Negligible] = 1
    current_time: str = UNKNOWN_TIME
    retry_count: Annotated[int, Negligible] = 0
    parameter_list: tuple[ParameterValueStruct, ...] = ()
    response: ClassVar[type[Response]] = InformResponse


@message
class TransferCompleteResponse(Response):
    """The ACS has taken note of the TransferComplete."""


@message
class TransferComplete(Request):
    """A transfer that the ACS asked for has ended (A.3.3.2)."""

    command_key: str
    fault_struct: FaultStruct = FaultStruct()
    start_time: str = UNKNOWN_TIME
    complete_time: str = UNKNOWN_TIME
    response: ClassVar[type[Response]] = TransferCompleteResponse


@message
class AutonomousTransferCompleteResponse(Response):
    """The ACS has taken note of the AutonomousTransferComplete."""


@message
class AutonomousTransferComplete(Request):
    """A transfer that the ACS did not ask for has ended (A.3.3.3)."""

    announce_url: str
    transfer_url: str
    is_download: bool
    file_type: str
    file_size: int = 0
    target_file_name: str = ""
    fault_struct: FaultStruct = FaultStruct()
    start_time: str = UNKNOWN_TIME
    complete_time: str = UNKNOWN_TIME
    response: ClassVar[type[Response]] = AutonomousTransferCompleteResponse


@message
class KickedResponse(Response):
    """The URL that the user's browser goes to next."""

    next_url: str


@message
class Kicked(Request):
    """A web page has sent the user to the ACS through the CPE (deprecated)."""

    command: str
    referer: str
    arg: str
    next: str
    response: ClassVar[type[Response]] = KickedResponse


@message
class RequestDownloadResponse(Response):
    """The ACS has taken note of the RequestDownload."""


@message
class RequestDownload(Request):
    """Ask the ACS for a Download of a file of this type (A.4.2.2)."""

    file_type: str
    file_type_arg: tuple[ArgStruct, ...] = ()
    response: ClassVar[type[Response]] = RequestDownloadResponse


@message
class DUStateChangeCompleteResponse(Response):
    """The ACS has taken note of the DUStateChangeComplete."""


@message
class DUStateChangeComplete(Request):
    """The operations of a ChangeDUState have ended (A.4.2.3)."""

    results: Annotated[tuple[OpResultStruct, ...], Repeated]
    command_key: str = ""
    response: ClassVar[type[Response]] = DUStateChangeCompleteResponse


@message
class AutonomousDUStateChangeCompleteResponse(Response):
    """The ACS has taken note of the AutonomousDUStateChangeComplete."""


@message
class AutonomousDUStateChangeComplete(Request):
    """Deployment units have changed without a ChangeDUState (A.4.2.4)."""

    results: Annotated[tuple[AutonOpResultStruct, ...], Repeated]
    response: ClassVar[type[Response]] = AutonomousDUStateChangeCompleteResponse


CPE_METHODS: tuple[type[Request], ...] = (
    GetRPCMethods,
    SetParameterValues,
    GetParameterValues,
    GetParameterNames,
    SetParameterAttributes,
    GetParameterAttributes,
    AddObject,
    DeleteObject,
    Reboot,
    FactoryReset,
    ScheduleInform,
    Download,
    Upload,
    ScheduleDownload,
    CancelTransfer,
    GetQueuedTransfers,
    GetAllQueuedTransfers,
    SetVouchers,
    GetOptions,
    ChangeDUState,
)
"""The methods that an ACS may call on a CPE (Annex A.3.1, A.3.2, A.4.1)."""

ACS_METHODS: tuple[type[Request], ...] = (
    GetRPCMethods,
    Inform,
    TransferComplete,
    AutonomousTransferComplete,
    Kicked,
    RequestDownload,
    DUStateChangeComplete,
    AutonomousDUStateChangeComplete,
)
"""The methods that a CPE may call on an ACS (Annex A.3.1, A.3.3, A.4.2)."""

REQUESTS: dict[str, type[Request]] = {rpc.__name__: rpc for rpc in CPE_METHODS + ACS_METHODS}
"""Every request class by the name of its method."""

RESPONSES: dict[str, type[Response]] = {
    rpc.response.__name__: rpc.response for rpc in REQUESTS.values()
}
"""Every response class by its element name."""
