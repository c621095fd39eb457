"""The RPC methods, rule by rule."""

from __future__ import annotations

import pytest
from helpers.cpes import ask, cpe
from helpers.schemas import Schemas

from caretaker.cwmp import messages as m
from caretaker.device import notifications
from caretaker.device.rpc.methods import METHODS, SINCE

NAME = "Device.WiFi.SSID.1.SSID"
INFO = "Device.DeviceInfo."
MS = "Device.ManagementServer."


def fault_code(response: m.Response) -> int:
    assert isinstance(response, m.Fault)
    return response.fault_code


def values(response: m.Response) -> dict[str, str]:
    assert isinstance(response, m.GetParameterValuesResponse)
    return {struct.name: struct.value for struct in response.parameter_list}


def names(response: m.Response) -> dict[str, bool]:
    assert isinstance(response, m.GetParameterNamesResponse)
    return dict(response.parameter_list)


def set_(*structs: tuple[str, str] | tuple[str, str, str], key: str = "") -> m.SetParameterValues:
    return m.SetParameterValues(tuple(m.ParameterValueStruct(*each) for each in structs), key)


@pytest.mark.rule("8-8")
def test_get_rpc_methods_lists_what_there_is() -> None:
    response = ask(cpe(), m.GetRPCMethods())
    assert response == m.GetRPCMethodsResponse(tuple(each.__name__ for each in METHODS))


@pytest.mark.rule("8-8")
@pytest.mark.parametrize("minor", [0, 1, 2])
def test_methods_of_later_versions_are_not_there(minor: int) -> None:
    box = cpe("tr098", namespace=f"urn:dslforum-org:cwmp-1-{minor}")
    response = ask(box, m.GetRPCMethods())
    later = {kind for kind, since in SINCE.items() if since > minor}
    assert isinstance(response, m.GetRPCMethodsResponse)
    assert set(response.method_list) == {each.__name__ for each in set(METHODS) - later}
    for kind in later:
        assert fault_code(ask(box, m.UnreadableRequest(kind.__name__, "why"))) == 9000


@pytest.mark.parametrize("minor", [0, 1, 2])
def test_methods_came_with_the_version_whose_schema_has_them(schemas: Schemas, minor: int) -> None:
    found = {kind for kind in METHODS if schemas.has(minor, kind.__name__)}
    assert found == {kind for kind in METHODS if SINCE.get(kind, 0) <= minor}


@pytest.mark.rule("8-8")
@pytest.mark.parametrize(
    "request_",
    [
        m.GetAllQueuedTransfers(),
        m.CancelTransfer("k"),
        m.ScheduleDownload("k", "2 Web Content", "http://files/x"),
        m.ChangeDUState(()),
    ],
)
def test_a_device_of_cwmp_1_0_answers_them_with_9000(request_: m.Request) -> None:
    assert fault_code(ask(cpe("tr098"), request_)) == 9000


@pytest.mark.rule("8-1", "8-3", "8-4")
def test_what_a_cpe_must_have_is_there() -> None:
    values = {m.GetRPCMethods, m.SetParameterValues, m.GetParameterValues, m.GetParameterNames}
    attributes = {m.SetParameterAttributes, m.GetParameterAttributes}
    others = {m.AddObject, m.DeleteObject, m.Reboot, m.FactoryReset, m.ScheduleInform}
    assert values | attributes | others <= set(METHODS)


@pytest.mark.rule("6-2", "8-15")
@pytest.mark.parametrize(
    "request_",
    [
        m.AddObject("Device.NAT.PortMapping.", "k" * 33),
        m.DeleteObject("Device.NAT.PortMapping.1.", "k" * 33),
        m.Reboot("k" * 33),
        m.ScheduleInform(5, "k" * 33),
    ],
)
def test_keys_have_32_characters_at_most(request_: m.Request) -> None:
    assert fault_code(ask(cpe(), request_)) == 9003


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("device.deviceinfo.", id="case", marks=pytest.mark.rule("8.1-1")),
        pytest.param("Device.WiFi.SSID.*.", id="wildcard", marks=pytest.mark.rule("8.1-4")),
        pytest.param("Device.WiFi.SSID.[home].", id="alias", marks=pytest.mark.rule("8.1-8")),
    ],
)
def test_names_that_only_look_like_paths(path: str) -> None:
    for request in (
        m.GetParameterNames(path, False),
        m.GetParameterValues((path,)),
        m.GetParameterAttributes((path,)),
        m.AddObject(path),
        m.DeleteObject(path),
    ):
        assert fault_code(ask(cpe(), request)) == 9005
    assert cpe().value(f"{MS}AliasBasedAddressing", 0.0) == "false"


def test_every_method_is_one_that_a_cpe_has() -> None:
    assert set(METHODS) <= set(m.CPE_METHODS)


@pytest.mark.rule("3.4-6")
@pytest.mark.parametrize(
    "request_",
    [
        m.UnknownRequest("X_ACME_Blink"),
        m.RequestDownload("2 Web Content"),
        m.Kicked("", "", "", ""),
    ],
)
def test_other_methods_are_answered_with_9000(request_: m.Request) -> None:
    assert fault_code(ask(cpe(), request_)) == 9000


class TestGetParameterValues:
    @pytest.mark.rule("8.1-2", "8.2-1")
    def test_partial_paths_expand(self) -> None:
        found = values(ask(cpe(), m.GetParameterValues((INFO, NAME))))
        assert {f"{INFO}SerialNumber", f"{INFO}MemoryStatus.Total", NAME} <= set(found)
        assert found[f"{INFO}SerialNumber"] == "FLEET-000001"

    @pytest.mark.rule("8.1-3", "8.2-5")
    @pytest.mark.parametrize("root", ["", "Device."])
    def test_the_whole_tree(self, root: str) -> None:
        box = cpe()
        assert len(box.model.parameters) == len(values(ask(box, m.GetParameterValues((root,)))))

    @pytest.mark.rule("8.2-2")
    @pytest.mark.parametrize("name", ["Device.X", f"{INFO}X.", "Device", f"{NAME}.", "x"])
    def test_one_unknown_name_fails_the_call(self, name: str) -> None:
        assert fault_code(ask(cpe(), m.GetParameterValues((NAME, name)))) == 9005

    @pytest.mark.rule("8.2-3")
    def test_names_may_overlap(self) -> None:
        response = ask(cpe(), m.GetParameterValues((NAME, NAME)))
        assert isinstance(response, m.GetParameterValuesResponse)
        assert len(response.parameter_list) == 2

    @pytest.mark.rule("8.2-4")
    def test_passwords_read_empty(self) -> None:
        box = cpe()
        path = f"{MS}ConnectionRequestPassword"
        ask(box, set_((path, "secret")))
        assert values(ask(box, m.GetParameterValues((path,)))) == {path: ""}
        assert box.value(path, 1.0) == "secret"

    @pytest.mark.rule("3.2-3")
    def test_types_are_sent(self) -> None:
        response = ask(cpe(), m.GetParameterValues((f"{INFO}UpTime",)), now=12.7)
        expected = m.ParameterValueStruct(f"{INFO}UpTime", "12", "xsd:unsignedInt")
        assert response == m.GetParameterValuesResponse((expected,))


class TestGetParameterNames:
    @pytest.mark.rule("8.2-8", "8.2-9", "8.2-10")
    def test_next_level_gives_children_without_the_object(self) -> None:
        found = names(ask(cpe(), m.GetParameterNames("Device.WiFi.", True)))
        assert "Device.WiFi.RadioNumberOfEntries" in found
        assert found["Device.WiFi.SSID."] is True
        assert found["Device.WiFi.Radio."] is False
        assert "Device.WiFi." not in found
        assert all(path.count(".") <= 3 for path in found)

    @pytest.mark.rule("8.2-7", "8.2-9", "8.2-10")
    def test_all_levels_begin_with_the_object(self) -> None:
        found = names(ask(cpe(), m.GetParameterNames("Device.WiFi.SSID.", False)))
        assert "Device.WiFi.SSID." in found
        assert found["Device.WiFi.SSID.1."] is True
        assert found[NAME] is True

    @pytest.mark.rule("8.1-3")
    def test_the_empty_path_stands_above_the_root(self) -> None:
        assert names(ask(cpe(), m.GetParameterNames("", True))) == {"Device.": False}
        model = cpe().model
        everything = {*model.objects, *model.parameters}
        assert set(names(ask(cpe(), m.GetParameterNames("", False)))) == everything

    @pytest.mark.rule("8.2-6")
    def test_a_complete_path_is_itself(self) -> None:
        assert names(ask(cpe(), m.GetParameterNames(NAME, False))) == {NAME: True}
        assert fault_code(ask(cpe(), m.GetParameterNames(NAME, True))) == 9003

    @pytest.mark.rule("8.2-11")
    @pytest.mark.parametrize("path", ["Device.X.", "Device.X", "Device", f"{NAME}."])
    @pytest.mark.parametrize("next_level", [True, False])
    def test_unknown_paths(self, path: str, next_level: bool) -> None:
        assert fault_code(ask(cpe(), m.GetParameterNames(path, next_level))) == 9005


class TestSetParameterValues:
    @pytest.mark.rule("7-13", "8.2-17")
    def test_values_and_key_are_set(self) -> None:
        box = cpe()
        response = ask(
            box,
            set_(
                (NAME, "mine"), (f"{MS}PeriodicInformInterval", " 60 ", "xsd:unsignedInt"), key="k1"
            ),
        )
        assert response == m.SetParameterValuesResponse(0)
        found = values(ask(box, m.GetParameterValues((NAME, f"{MS}"))))
        assert (
            found[NAME],
            found[f"{MS}PeriodicInformInterval"],
            found[f"{MS}ParameterKey"],
        ) == ("mine", "60", "k1")

    @pytest.mark.rule("5-3", "5-4", "10-1")
    @pytest.mark.parametrize(
        ("last", "value"),
        [
            ("PeriodicInformInterval", "0"),
            ("CWMPRetryMinimumWaitInterval", "65536"),
            ("CWMPRetryIntervalMultiplier", "999"),
        ],
    )
    def test_what_would_make_it_inform_without_a_pause_is_refused(
        self, last: str, value: str
    ) -> None:
        response = ask(cpe(), set_((f"{MS}{last}", value, "xsd:unsignedInt")))
        assert isinstance(response, m.Fault)
        assert [each.fault_code for each in response.set_parameter_values_fault] == [9007]

    def test_names_may_be_pretty_printed(self) -> None:
        box = cpe()
        assert values(ask(box, m.GetParameterValues((f"\n  {NAME}\n ",))))
        names = ask(box, m.GetParameterNames(f" {NAME} ", False))
        assert isinstance(names, m.GetParameterNamesResponse)

    @pytest.mark.rule("3.2-5")
    def test_booleans_have_no_case(self) -> None:
        box = cpe()
        path = f"{MS}PeriodicInformEnable"
        ask(box, set_((path, " True ", "xsd:boolean")))
        assert box.value(path, 0.0) == "true"

    def test_white_space_in_text_is_kept(self) -> None:
        box = cpe()
        ask(box, set_((NAME, "  two words\n")))
        assert box.value(NAME, 1.0) == "  two words\n"

    @pytest.mark.rule("3.2-4", "7-14", "8.2-12", "8.2-15")
    def test_all_or_nothing_with_a_fault_for_each(self) -> None:
        box = cpe()
        before = values(ask(box, m.GetParameterValues(("",))))
        response = ask(
            box,
            set_(
                (NAME, "mine"),
                ("Device.X", "1"),
                (f"{INFO}SerialNumber", "1"),
                (f"{MS}PeriodicInformInterval", "x", "xsd:unsignedInt"),
                (f"{MS}PeriodicInformEnable", "1", "xsd:string"),
                key="k1",
            ),
        )
        assert isinstance(response, m.Fault)
        assert (response.fault_code, response.faultcode) == (9003, "Client")
        assert [(f.parameter_name, f.fault_code) for f in response.set_parameter_values_fault] == [
            ("Device.X", 9005),
            (f"{INFO}SerialNumber", 9008),
            (f"{MS}PeriodicInformInterval", 9007),
            (f"{MS}PeriodicInformEnable", 9006),
        ]
        assert before == values(ask(box, m.GetParameterValues(("",))))

    @pytest.mark.rule("8.2-14")
    def test_a_parameter_named_twice_is_refused(self) -> None:
        box = cpe()
        assert fault_code(ask(box, set_((NAME, "a"), (NAME, "b")))) == 9003
        assert box.value(NAME, 1.0) == "Home-2.4GHz"

    @pytest.mark.rule("7-13", "8.2-16")
    def test_an_empty_list_sets_the_key(self) -> None:
        box = cpe()
        assert ask(box, set_(key="k")) == m.SetParameterValuesResponse(0)
        assert box.value(f"{MS}ParameterKey", 1.0) == "k"

    @pytest.mark.rule("8-15")
    def test_a_key_of_33_characters_is_refused(self) -> None:
        assert fault_code(ask(cpe(), set_((NAME, "x"), key="k" * 33))) == 9003

    @pytest.mark.rule("9.2-7")
    def test_connection_request_credentials_follow(self) -> None:
        box = cpe()
        ask(
            box,
            set_(
                (f"{MS}ConnectionRequestUsername", "acs"), (f"{MS}ConnectionRequestPassword", "pw")
            ),
        )
        assert box.value(f"{MS}ConnectionRequestUsername", 1.0) == "acs"

    @pytest.mark.rule("8.2-13")
    def test_the_order_does_not_matter(self) -> None:
        pairs = (
            (NAME, "mine"),
            (f"{MS}PeriodicInformInterval", "60", ""),
            (f"{MS}URL", "http://b/"),
        )
        found = []
        for order in (pairs, pairs[::-1]):
            box = cpe()
            assert ask(box, set_(*order)) == m.SetParameterValuesResponse(0)
            found.append(values(ask(box, m.GetParameterValues((MS, NAME)))))
        assert found[0] == found[1]

    @pytest.mark.rule("11-6")
    def test_cpes_of_one_profile_do_not_share_values(self) -> None:
        one, other = cpe(), cpe(index=1)
        ask(one, set_((NAME, "mine")))
        assert other.value(NAME, 1.0) == "Home-2.4GHz"


class TestAttributes:
    @pytest.mark.rule("7-9", "8.2-25")
    def test_defaults(self) -> None:
        response = ask(cpe(), m.GetParameterAttributes((f"{INFO}SoftwareVersion", NAME)))
        assert response == m.GetParameterAttributesResponse(
            (
                m.ParameterAttributeStruct(f"{INFO}SoftwareVersion", 2, ("Subscriber",)),
                m.ParameterAttributeStruct(NAME, 0, ("Subscriber",)),
            )
        )

    @pytest.mark.rule("8.2-23")
    def test_partial_paths_set_all_below(self) -> None:
        box = cpe()
        change = m.SetParameterAttributesStruct("Device.WiFi.SSID.1.", True, 1, False)
        assert ask(box, m.SetParameterAttributes((change,))) == m.SetParameterAttributesResponse()
        assert notifications.attribute(box, NAME) == 1
        assert notifications.attribute(box, "Device.WiFi.SSID.2.SSID") == 0

    @pytest.mark.rule("8.2-25")
    def test_only_what_is_to_change_changes(self) -> None:
        box = cpe()
        for change in (
            m.SetParameterAttributesStruct(NAME, True, 2, True, ()),
            m.SetParameterAttributesStruct(NAME, False, 0, False, ("Subscriber",)),
        ):
            ask(box, m.SetParameterAttributes((change,)))
        response = ask(box, m.GetParameterAttributes((NAME,)))
        assert response == m.GetParameterAttributesResponse(
            (m.ParameterAttributeStruct(NAME, 2, ()),)
        )

    @pytest.mark.rule("8.2-19")
    @pytest.mark.parametrize(
        ("path", "notification", "code"), [("Device.X", 1, 9005), (NAME, 7, 9003)]
    )
    def test_all_or_nothing(self, path: str, notification: int, code: int) -> None:
        box = cpe()
        changes = (
            m.SetParameterAttributesStruct(f"{INFO}UpTime", True, 1, False),
            m.SetParameterAttributesStruct(path, True, notification, False),
        )
        assert fault_code(ask(box, m.SetParameterAttributes(changes))) == code
        assert notifications.attribute(box, f"{INFO}UpTime") == 0

    @pytest.mark.parametrize(
        ("entry", "good"),
        [
            ("Subscriber", True),
            ("X_ACME_Shop", True),
            ("", False),
            ("x", False),
            ("X_" * 33, False),
        ],
    )
    def test_access_lists_hold_what_the_schemas_say(self, entry: str, good: bool) -> None:
        change = m.SetParameterAttributesStruct(NAME, False, 0, True, (entry,))
        response = ask(cpe(), m.SetParameterAttributes((change,)))
        assert isinstance(response, m.SetParameterAttributesResponse) == good
        assert good or fault_code(response) == 9003


class TestRows:
    @pytest.mark.rule("7-13", "8.1-7", "8.2-26", "8.2-29")
    def test_a_row_is_added_set_and_deleted(self) -> None:
        box = cpe()
        assert ask(box, m.AddObject("Device.NAT.PortMapping.", "k1")) == m.AddObjectResponse(2, 0)
        path = "Device.NAT.PortMapping.2.ExternalPort"
        assert values(ask(box, m.GetParameterValues((path,)))) == {path: "0"}
        ask(box, set_((path, "8080", "xsd:unsignedInt")))
        found = values(ask(box, m.GetParameterValues(("Device.NAT.",))))
        assert (found[path], found["Device.NAT.PortMappingNumberOfEntries"]) == ("8080", "2")
        assert ask(
            box, m.DeleteObject("Device.NAT.PortMapping.2.", "k2")
        ) == m.DeleteObjectResponse(0)
        assert fault_code(ask(box, m.GetParameterValues((path,)))) == 9005
        assert box.value(f"{MS}ParameterKey", 1.0) == "k2"

    @pytest.mark.rule("7-14", "8.2-27")
    @pytest.mark.parametrize(
        "request_",
        [m.AddObject("Device.WiFi.Radio.", "k"), m.DeleteObject("Device.NAT.PortMapping.9.", "k")],
    )
    def test_a_failed_one_leaves_the_key(self, request_: m.Request) -> None:
        box = cpe()
        assert fault_code(ask(box, request_)) == 9005
        assert box.value(f"{MS}ParameterKey", 1.0) == ""
