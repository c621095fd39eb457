"""What makes a mesh gateway, a set-top box and an LTE gateway of our own consistent."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from helpers.cpes import ask, context

from caretaker.cwmp import messages as m
from caretaker.data_model.paths import pattern
from caretaker.device.cpe import CPE
from caretaker.profiles.loader import load_profile

NETWORK = "Device.WiFi.DataElements.Network."
STATION = f"{NETWORK}Device.*.Radio.*.BSS.*.STA.*."
SERVICE = "Device.Services.STBService.1."
PRIVATE = re.compile(r"192\.168\.[0-9]+\.[0-9]+")


def values(name: str, index: int = 0, now: float = 1.0) -> dict[str, str]:
    """What a CPE has at a time, as an ACS gets it."""
    box = CPE(index, load_profile(name), context())
    box.power_on(0.0)
    answer = ask(box, m.GetParameterValues((box.model.root,)), now)
    assert isinstance(answer, m.GetParameterValuesResponse)
    return {struct.name: struct.value for struct in answer.parameter_list}


def found(at: Mapping[str, str], path: str) -> list[str]:
    """The values of a path in which ``*`` stands for any instance number."""
    return [value for name, value in at.items() if pattern(path).fullmatch(name)]


class TestMesh:
    def test_its_stations_are_the_hosts_of_the_network(self) -> None:
        at = values("mesh")
        stations = dict(zip(found(at, f"{STATION}IPV4Address"), found(at, f"{STATION}MACAddress"),
                            strict=True))  # fmt: skip
        hosts = found(at, "Device.Hosts.Host.*.IPAddress")
        assert set(stations) < set(hosts)
        known = {*found(at, "Device.Hosts.Host.*.PhysAddress"),
                 *found(at, f"{NETWORK}Device.*.BackhaulMACAddress")}  # fmt: skip
        assert set(stations.values()) <= known

    def test_its_own_networks_are_those_of_its_data_elements(self) -> None:
        at = values("mesh")
        own = f"{NETWORK}Device.1.Radio.*.BSS.*."
        assert found(at, f"{own}BSSID") == found(at, "Device.WiFi.SSID.*.BSSID")
        assert found(at, f"{own}SSID") == found(at, "Device.WiFi.SSID.*.SSID")
        assert set(found(at, f"{NETWORK}Device.*.Radio.*.BSS.*.SSID")) == set(
            found(at, f"{NETWORK}SSID.*.SSID")
        )

    def test_an_extender_is_a_station_of_the_gateways_backhaul(self) -> None:
        at = values("mesh")
        backhaul = found(at, f"{NETWORK}Device.1.Radio.*.BSS.3.STA.*.MACAddress")
        assert backhaul == [at[f"{NETWORK}Device.{each}.BackhaulMACAddress"] for each in (2, 3)]

    def test_radios_have_the_ids_of_one_cpe(self) -> None:
        """Each is a MAC address in base64: of one station, and locally administered."""
        path = f"{NETWORK}Device.*.Radio.*.ID"
        ids = [text for index in (0, 7, 999_999) for text in found(values("mesh", index), path)]
        octets = [b64decode(text, validate=True) for text in ids]
        assert len(set(octets)) == len(ids) == 27
        assert {(len(each), each[0] & 3) for each in octets} == {(6, 2)}

    def test_no_two_cpes_have_a_mac_address_in_common(self) -> None:
        one, other = values("mesh"), values("mesh", 1)
        macs = [set(found(at, f"{STATION}MACAddress")) | set(found(at, "Device.WiFi.SSID.*.BSSID"))
                for at in (one, other)]  # fmt: skip
        assert not macs[0] & macs[1]


class TestGateways:
    def test_hosts_are_in_a_network_of_their_gateway(self) -> None:
        for name in ("mesh", "lte"):
            at = values(name)
            networks = [
                ip_network(f"{address}/255.255.255.0", strict=False)
                for address in found(at, "Device.IP.Interface.*.IPv4Address.*.IPAddress")
                if PRIVATE.fullmatch(address)
            ]
            inside = [value for value in at.values() if PRIVATE.fullmatch(value)]
            assert len(inside) > 10
            for address in inside:
                assert any(ip_address(address) in network for network in networks), address

    def test_the_route_goes_to_the_network_of_the_wan_address(self) -> None:
        wan = "Device.IP.Interface.1.IPv4Address.1."
        routers = {
            "mesh": "Device.DHCPv4.Client.1.IPRouters",
            "stb": "Device.DHCPv4.Client.1.IPRouters",
            "lte": "Device.Routing.Router.1.IPv4Forwarding.1.GatewayIPAddress",
        }
        for name, router in routers.items():
            at = values(name, 70_000)
            network = f"{at[f'{wan}IPAddress']}/{at[f'{wan}SubnetMask']}"
            assert ip_address(at[router]) in ip_network(network, strict=False)


class TestLTE:
    def test_its_levels_move_within_what_radios_have(self) -> None:
        place = "Device.Cellular.Interface.1."
        bounds = {"RSSI": (-113, -51), "RSRP": (-140, -44), "RSRQ": (-20, -3),
                  "X_CA7E01_SINR": (-20, 30)}  # fmt: skip
        hours = [values("lte", now=hour * 3600.0) for hour in range(1, 8)]
        for last, (least, most) in bounds.items():
            levels = [int(at[f"{place}{last}"]) for at in hours]
            assert len(set(levels)) > 2
            assert all(least <= level <= most for level in levels)

    def test_its_sim_has_numbers_of_the_right_length(self) -> None:
        place = "Device.Cellular.Interface.1."
        lengths = {"IMEI": 15, "USIM.IMSI": 15, "USIM.ICCID": 19, "USIM.MSISDN": 15}
        for index in (0, 999_999):
            at = values("lte", index)
            sizes = {last: len(at[f"{place}{last}"]) for last in lengths}
            assert sizes == lengths


class TestSetTopBox:
    def test_it_counts_what_it_plays(self) -> None:
        at = values("stb")
        streams = found(at, f"{SERVICE}AVStreams.AVStream.*.Status")
        assert streams.count("Enabled") == int(at[f"{SERVICE}AVStreams.ActiveAVStreams"])
        ip = f"{SERVICE}Components.FrontEnd.1.IP."
        inbound = found(at, f"{ip}Inbound.*.Status")
        assert inbound.count("Enabled") == int(at[f"{ip}ActiveInboundIPStreams"])
        group = at[f"{ip}IGMP.ClientGroup.1.GroupAddress"]
        assert group in found(at, f"{ip}Inbound.*.DestinationAddress")
        assert ip_address(group).is_multicast

    def test_it_receives_no_more_than_it_expects(self) -> None:
        at = values("stb", now=100_000.0)
        total = f"{SERVICE}ServiceMonitoring.MainStream.1.Total.RTPStats."
        expected, received, lost = (
            int(at[f"{total}Packets{last}"]) for last in ("Expected", "Received", "Lost")
        )
        assert expected - received in range(lost - 1, lost + 2)
        assert lost > 0
