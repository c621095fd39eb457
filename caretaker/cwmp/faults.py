"""The fault codes of CWMP with their meaning and side (names from the CWMP schemas)."""

from __future__ import annotations

import enum
from typing import Literal, NamedTuple

Side = Literal["Client", "Server"]


class FaultCode(enum.IntEnum):
    """The codes that have a meaning of their own; vendors add 9800-9899 and 8800-8899."""

    METHOD_NOT_SUPPORTED = 9000
    REQUEST_DENIED = 9001
    INTERNAL_ERROR = 9002
    INVALID_ARGUMENTS = 9003
    RESOURCES_EXCEEDED = 9004
    INVALID_PARAMETER_NAME = 9005
    INVALID_PARAMETER_TYPE = 9006
    INVALID_PARAMETER_VALUE = 9007
    NON_WRITABLE_PARAMETER = 9008
    NOTIFICATION_REQUEST_REJECTED = 9009
    FILE_TRANSFER_FAILURE = 9010
    UPLOAD_FAILURE = 9011
    FILE_SERVER_AUTHENTICATION_FAILURE = 9012
    UNSUPPORTED_TRANSFER_PROTOCOL = 9013
    CANNOT_JOIN_MULTICAST_GROUP = 9014
    CANNOT_CONTACT_FILE_SERVER = 9015
    CANNOT_ACCESS_FILE = 9016
    CANNOT_COMPLETE_DOWNLOAD = 9017
    FILE_CORRUPTED = 9018
    FILE_AUTHENTICATION_FAILURE = 9019
    NOT_WITHIN_TIME_WINDOWS = 9020
    CANCEL_NOT_PERMITTED = 9021
    INVALID_UUID_FORMAT = 9022
    UNKNOWN_EXECUTION_ENVIRONMENT = 9023
    DISABLED_EXECUTION_ENVIRONMENT = 9024
    EXECUTION_ENVIRONMENT_MISMATCH = 9025
    DUPLICATE_DEPLOYMENT_UNIT = 9026
    SYSTEM_RESOURCES_EXCEEDED = 9027
    UNKNOWN_DEPLOYMENT_UNIT = 9028
    INVALID_DEPLOYMENT_UNIT_STATE = 9029
    DOWNGRADE_NOT_PERMITTED = 9030
    VERSION_NOT_SPECIFIED = 9031
    VERSION_EXISTS = 9032
    ACS_METHOD_NOT_SUPPORTED = 8000
    ACS_REQUEST_DENIED = 8001
    ACS_INTERNAL_ERROR = 8002
    ACS_INVALID_ARGUMENTS = 8003
    ACS_RESOURCES_EXCEEDED = 8004
    ACS_RETRY_REQUEST = 8005
    ACS_VERSION_INCOMPATIBLE = 8006


class FaultMeaning(NamedTuple):
    """What a code says, and whose mistake it names: the requester's or the responder's."""

    fault_string: str
    faultcode: Side


_F = FaultCode

FAULTS: dict[FaultCode, FaultMeaning] = {
    _F.METHOD_NOT_SUPPORTED: FaultMeaning("Method not supported", "Server"),
    _F.REQUEST_DENIED: FaultMeaning("Request denied", "Server"),
    _F.INTERNAL_ERROR: FaultMeaning("Internal error", "Server"),
    _F.INVALID_ARGUMENTS: FaultMeaning("Invalid arguments", "Client"),
    _F.RESOURCES_EXCEEDED: FaultMeaning("Resources exceeded", "Server"),
    _F.INVALID_PARAMETER_NAME: FaultMeaning("Invalid parameter name", "Client"),
    _F.INVALID_PARAMETER_TYPE: FaultMeaning("Invalid parameter type", "Client"),
    _F.INVALID_PARAMETER_VALUE: FaultMeaning("Invalid parameter value", "Client"),
    _F.NON_WRITABLE_PARAMETER: FaultMeaning("Attempt to set a non-writable parameter", "Client"),
    _F.NOTIFICATION_REQUEST_REJECTED: FaultMeaning("Notification request rejected", "Server"),
    _F.FILE_TRANSFER_FAILURE: FaultMeaning("File transfer failure", "Server"),
    _F.UPLOAD_FAILURE: FaultMeaning("Upload failure", "Server"),
    _F.FILE_SERVER_AUTHENTICATION_FAILURE: FaultMeaning(
        "File transfer server authentication failure", "Server"
    ),
    _F.UNSUPPORTED_TRANSFER_PROTOCOL: FaultMeaning(
        "Unsupported protocol for file transfer", "Server"
    ),
    _F.CANNOT_JOIN_MULTICAST_GROUP: FaultMeaning(
        "File transfer failure: unable to join multicast group", "Server"
    ),
    _F.CANNOT_CONTACT_FILE_SERVER: FaultMeaning(
        "File transfer failure: unable to contact file server", "Server"
    ),
    _F.CANNOT_ACCESS_FILE: FaultMeaning("File transfer failure: unable to access file", "Server"),
    _F.CANNOT_COMPLETE_DOWNLOAD: FaultMeaning(
        "File transfer failure: unable to complete download", "Server"
    ),
    _F.FILE_CORRUPTED: FaultMeaning("File transfer failure: file corrupted", "Server"),
    _F.FILE_AUTHENTICATION_FAILURE: FaultMeaning(
        "File transfer failure: file authentication failure", "Server"
    ),
    _F.NOT_WITHIN_TIME_WINDOWS: FaultMeaning(
        "File transfer failure: unable to complete within specified time windows", "Client"
    ),
    _F.CANCEL_NOT_PERMITTED: FaultMeaning(
        "Cancelation of file transfer not permitted in current transfer state", "Client"
    ),
    _F.INVALID_UUID_FORMAT: FaultMeaning("Invalid UUID format", "Server"),
    _F.UNKNOWN_EXECUTION_ENVIRONMENT: FaultMeaning("Unknown execution environment", "Server"),
    _F.DISABLED_EXECUTION_ENVIRONMENT: FaultMeaning("Disabled execution environment", "Server"),
    _F.EXECUTION_ENVIRONMENT_MISMATCH: FaultMeaning(
        "Deployment unit to execution environment mismatch", "Server"
    ),
    _F.DUPLICATE_DEPLOYMENT_UNIT: FaultMeaning("Duplicate deployment unit", "Server"),
    _F.SYSTEM_RESOURCES_EXCEEDED: FaultMeaning("System resources exceeded", "Server"),
    _F.UNKNOWN_DEPLOYMENT_UNIT: FaultMeaning("Unknown deployment unit", "Server"),
    _F.INVALID_DEPLOYMENT_UNIT_STATE: FaultMeaning("Invalid deployment unit state", "Server"),
    _F.DOWNGRADE_NOT_PERMITTED: FaultMeaning(
        "Invalid deployment unit update: downgrade not permitted", "Server"
    ),
    _F.VERSION_NOT_SPECIFIED: FaultMeaning(
        "Invalid deployment unit update: version not specified", "Server"
    ),
    _F.VERSION_EXISTS: FaultMeaning(
        "Invalid deployment unit update: version already exists", "Server"
    ),
    _F.ACS_METHOD_NOT_SUPPORTED: FaultMeaning("Method not supported", "Server"),
    _F.ACS_REQUEST_DENIED: FaultMeaning("Request denied", "Server"),
    _F.ACS_INTERNAL_ERROR: FaultMeaning("Internal error", "Server"),
    _F.ACS_INVALID_ARGUMENTS: FaultMeaning("Invalid arguments", "Client"),
    _F.ACS_RESOURCES_EXCEEDED: FaultMeaning("Resources exceeded", "Server"),
    _F.ACS_RETRY_REQUEST: FaultMeaning("Retry request", "Server"),
    _F.ACS_VERSION_INCOMPATIBLE: FaultMeaning("ACS version incompatible with CPE", "Server"),
}

_UNKNOWN = FaultMeaning("Vendor-specific fault", "Server")


def meaning(fault_code: int) -> FaultMeaning:
    """The meaning of a code; of an unknown (vendor's) one a general meaning."""
    return FAULTS.get(fault_code, _UNKNOWN)  # type: ignore[call-overload, no-any-return]
