"""
Every container that lives longer than a message has a bound, or grows by what the user asks for.

What a peer sends must not grow anything without one: a container that is new is a row here, and its
limit, if it has one, a row of ``docs/budgets.md``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

CPES = "the CPEs of this process"
MODEL = "the profile, which the user has loaded"
SESSIONS = "the sessions that run, --max-sessions"
SECONDS = "the seconds of the run"
WORKERS = "the workers that have proved the run token"
WORDS = "words of ours"
USER = "what the user asks for"
REASONS = "reasons.MAX_QUOTED and MAX_REASONS"
KINDS_OF_TLS = "quirks of the profiles, by kinds of keys"
ANSWER = "http.response_parser.MAX_HEADERS and http.content_coding.MAX_ANSWER_BYTES"
CHALLENGES = "connection_request.genieacs_client.MAX_ANSWER_BYTES"
UNDER_WAY = "connection_request.xmpp_client.MAX_UNDER_WAY"
ROWS = "data_model.model.MAX_ADDED"
CONNECTIONS = "ServerLimits.connections"
MESSAGE = "one message"
CHECK = "the steps of a check, which have an end"

BOUNDS = {
    "acs.acs:ACS.devices": "acs.acs.MAX_DEVICES",
    "acs.acs:ACS.faults": "acs.acs.MAX_TASKS",
    "acs.acs:ACS.presets": "acs.north_bound.MAX_STORED",
    "acs.acs:ACS.provisions": "acs.north_bound.MAX_STORED",
    "acs.controller:Controller._done": "acs.acs.MAX_TASKS",
    "acs.controller:Controller._presets": "acs.north_bound.MAX_STORED",
    "acs.devices:KnownDevice.tasks": "acs.acs.MAX_TASKS",
    "acs.parameters:Parameters._seen": "acs.parameters.MAX_KNOWN_BYTES",
    "acs.parameters:Parameters._values": "acs.parameters.MAX_KNOWN_BYTES",
    "acs.sessions:CWMPApp._sessions": "acs.sessions.MAX_SESSIONS",
    "acs.task_rpcs:TaskType.arguments": WORDS,
    "acs.task_rpcs:TaskType.one_of": WORDS,
    "check.checked_cpe:CheckedCPE.requests": CHECK,
    "check.checked_cpe:CheckedCPE.sessions": CHECK,
    "check.checked_cpe:CheckedCPE.verdicts": CHECK,
    "connection_request.genieacs_client:_Reader._challenges": CHALLENGES,
    "connection_request.xmpp_client:XMPPClient._under_way": UNDER_WAY,
    "cwmp.message_xml:_Field.kinds": WORDS,
    "cwmp.shapes:Shapes._shapes": "cwmp.shapes.MAX_SHAPES",
    "cwmp.shapes:Shapes._templates": "cwmp.shapes.MAX_TEMPLATES",
    "cwmp.shapes:_Shape.variants": "cwmp.shapes.MAX_VARIANTS",
    "cwmp.shapes:_Variant.differing": MESSAGE,
    "data_model.model:DataModel._below": MODEL,
    "data_model.model:DataModel.constants": MODEL,
    "data_model.model:DataModel.parameters": MODEL,
    "data_model.overlay:Overlay.values": "data_model.overlay.MAX_OWN_TEXT",
    "data_model.overlay_records:RowChanges.highest": ROWS,
    "data_model.overlay:TableRows.children": ROWS,
    "data_model.overlay:TableRows.highest": ROWS,
    "data_model.overlay:TableRows.objects": ROWS,
    "data_model.overlay:TableRows.origins": ROWS,
    "data_model.overlay:TableRows.parameters": ROWS,
    "device.accepted_requests:AcceptedRequests.ends": WORDS,
    "device.accepted_requests:AcceptedRequests.pending": "the CPEs of the worker",
    "device.context:FleetContext.transfer_counts": REASONS,
    "device.device_csv:_DeviceReader.profiles": "device.device_csv.MAX_PROFILES",
    "device.diagnostics:Diagnostic.columns": WORDS,
    "device.context:FleetContext.reach_watchers": "the ways of Connection Requests",
    "device.events:EventAccounting.delivered": "the event codes of TR-069 and of the user",
    "device.events:EventAccounting.discarded": "the event codes of TR-069 and of the user",
    "device.events:EventAccounting.raised": "the event codes of TR-069 and of the user",
    "device.measurements:Measurement.values": WORDS,
    "engine.accounting:Accounting.examples": REASONS,
    "device.starting_together:Neighbours._fractions": "the purposes of random numbers at a start",
    "engine.cr_rate_limit:RateLimit._counts": CPES,
    "engine.cpe_store:CPEStore._objects": CPES,
    "engine.cpe_store:CPEStore._plain": "engine.cpe_store.SPARE",
    "engine.cpe_store:CPEStore._queue": CPES,
    "engine.cpe_store:CPEStore._sessions": SESSIONS,
    "engine.power_switch:PowerSwitch._starts": "profiles, kinds of --reach",
    "engine.resting_cpes:RestingCPEs._chunks": CPES,
    "engine.resting_cpes:RestingCPEs._periodic": "engine.shared_states.MOST",
    "engine.shared_states:SharedStates._free": "engine.shared_states.MOST",
    "engine.shared_states:SharedStates._numbers": "engine.shared_states.MOST",
    "engine.due_times:DueTimes._marks": CPES,
    "engine.due_times:DueTimes._near": CPES,
    "engine.due_times:DueTimes._near_due": CPES,
    "engine.due_times:DueTimes._order": CPES,
    "engine.due_times:DueTimes._seconds": CPES,
    "engine.due_times:DueTimes._taken_back": CPES,
    "engine.keep_alives:KeepAlives._periods": CPES,
    "engine.loop_budget:LoopBudget._waiting": SESSIONS,
    "engine.binding_requests:BindingRequests._pending": CPES,
    "engine.nat_bindings:NATBindings._bindings": CPES,
    "engine.nat_bindings:NATBindings._sent_at": CPES,
    "engine.nat_bindings:NATBindings._unanswered": CPES,
    "engine.nat_bindings:NATBindings.counts": "400 codes of errors and words of ours",
    "engine.nat_sockets:NATSockets._owners": CPES,
    "engine.nat_sockets:NATSockets._shared": "engine.nat_sockets.SHARED_SOCKETS",
    "engine.outages:PowerCuts._heap": CPES,
    "engine.outages:PowerCuts._until": CPES,
    "engine.outages:PowerCuts.absent": CPES,
    "engine.recorder:Recorder._failed": REASONS,
    "engine.recorder:Recorder._left_out": REASONS,
    "engine.recorder:Recorder._numbers": CPES,
    "engine.recorder:Recorder._open": SESSIONS,
    "engine.recorder:Recorder._sampled": SECONDS,
    "engine.recorder:Recorder._written": WORDS,
    "engine.recorder:RecordingTransport.exchanges": "engine.recorder.MAX_SESSION_BYTES",
    "engine.row_files:ParquetFile._rows": "engine.row_files.ROW_GROUP",
    "device.plain_answers:Asked._seen": "device.plain_answers.MAX_SEEN",
    "device.plain_answers:Asked._templates": "device.plain_answers.MAX_REQUESTS",
    "device.plain_answers:AnswerTemplates._asked": "device.plain_answers.MAX_KINDS",
    "device.plain_inform:InformTemplates._templates": "device.plain_inform.MAX_TEMPLATES",
    "engine.beginning_line:BeginningLine._sessions": SESSIONS,
    "engine.carried_messages:CarriedMessages._heads": "engine.carried_messages.MAX_HEADS",
    "engine.carriage:Carriage.by_greenlet": WORDS,
    "engine.event_queue:EventQueue._events": SESSIONS,
    "engine.carriage:Carriage.handed_over": WORDS,
    "http.io_engine:IOEngine.known": "http.io_engine.MAX_KNOWN",
    "engine.carried_sessions:CarriedSessions._sessions": SESSIONS,
    "engine.carried_transports:CarriedTransports._first_targets": SESSIONS,
    "engine.carried_transports:CarriedTransports._logins": SESSIONS,
    "engine.carried_transports:CarriedTransports._opened": SESSIONS,
    "engine.carried_transports:CarriedTransports._sent_back": SESSIONS,
    "engine.scheduler:Scheduler.active": SESSIONS,
    "engine.session_export:SessionExport._waiting": "engine.session_export.MOST_WAITING",
    "engine.session_runner:SessionRunner.retrying": CPES,
    "engine.stun_credentials:STUNCredentials._challenges": CPES,
    "engine.stun_servers:STUNServers._servers": "engine.stun_servers.MAX_SERVERS",
    "engine.udp_requests:UDPRequests._others": CPES,
    "engine.udp_requests:UDPRequests._taken": CPES,
    "engine.transfer_runner:TransferRunner.running": CPES,
    "engine.waiting_line:WaitingLine._lots": CPES,
    "engine.waiting_line:WaitingLine._places": CPES,
    "http.authentication:DigestVerifier._used": "http.authentication.MAX_NONCES",
    "http.response_parser:ResponseReader.body": ANSWER,
    "http.response_parser:ResponseReader.headers": ANSWER,
    "http.connection_table:ConnectionTable._of_peer": CONNECTIONS,
    "http.connection_table:ConnectionTable._peers": CONNECTIONS,
    "http.cookies:CookieJar._cookies": "http.cookies.MAX_COOKIES",
    "http.openssl:OpenSSL._contexts": "the quirks of TLS, and what they make together",
    "http.openssl:OpenSSL._identities": "http.openssl.MAX_IDENTITIES",
    "http.tls_sessions:TLSSessions._servers": "http.tls_sessions.MAX_SERVERS",
    "http.tls_sessions:TLSSessions._sessions": "http.tls_sessions.MAX_BYTES",
    "http.endpoint:Endpoint._at_once": "http.endpoint.MAX_ADDRESSES",
    "http.endpoint:Endpoint._certificate_names": "http.endpoint.MAX_ADDRESSES",
    "http.endpoint:Endpoint._resolved": "http.endpoint.MAX_ADDRESSES",
    "http.tls_settings:TLSSettings._contexts": KINDS_OF_TLS,
    "http.tls_settings:TLSSettings._shown": KINDS_OF_TLS,
    "http.endpoint:Endpoint._withheld": "--allow-host, which the user gives",
    "http.gevent_loop:Loop._inbox": "the threads of this process",
    "http.known_heads:KnownHeads._heads": "http.known_heads.MAX_HEADS",
    "http.known_heads:_Head._common": "http.known_heads.MAX_FIELDS",
    "http.known_heads:_Head._environ": "http.known_heads.MAX_FIELDS",
    "http.known_heads:KnownHeads._seen": "http.known_heads.MAX_SEEN",
    "http.io_engine:IOEngine._addresses": "_MOST_ADDRESSES",
    "http.request_parser:RequestReader.requests": "ServerLimits.pipelined",
    "http.resolver:Resolver._hosts": "http.resolver.MAX_HOSTS",
    "http.server:WSGIHost._common": WORDS,
    "http.server:WSGIHost._idle": "http.server._IDLE_WORKERS",
    "http.server:WSGIServer._hosts": WORDS,
    "http.sockets:Deadlines._sockets": SESSIONS,
    "http.turns:Turns._waiting": CONNECTIONS,
    "index_set:IndexSet._starts": CPES,
    "index_set:IndexSet._stops": CPES,
    "masking:_Element.names": MESSAGE,
    "masking:_Element.text": MESSAGE,
    "masking:_Element.values": MESSAGE,
    "masking:_Scanner._open": MESSAGE,
    "masking:_Scanner.parts": MESSAGE,
    "reasons:BoundedReasons._known": REASONS,
    "router.app:RouterApp._workers": WORKERS,
    "router.worker_connections:WorkerConnections._idle": "router.worker_connections.MAX_IDLE_CONNECTIONS",  # noqa: E501
    "scenarios.action_target:ActionTarget.tally": WORDS,
    "scenarios.campaigns:_Campaign.done": SECONDS,
    "scenarios.capacity:FindCapacity.trials": SECONDS,
    "scenarios.scenario:Scenario.arguments": WORDS,
    "scenarios.scenario:ScenarioReport.curves": WORDS,
    "scenarios.scenario:ScenarioReport.kpis": WORDS,
    "scenarios.steady:Ramp.rates": SECONDS,
    "scenarios.steady:Soak.memory": SECONDS,
    "stats.histogram:CoarseHistogram.buckets": "the range of a number",
    "stats.results:Results.counters": REASONS,
    "stats.results:Results.histograms": WORDS,
    "stats.timeline:Timeline._ended": "stats.timeline._BATCH",
    "stats.timeline:Timeline._touched": "stats.timeline.MAX_POINTS",
    "stats.timeline_points:Points._open": "stats.timeline.MAX_POINTS",
    "stats.timeline_points:Points._packed": "stats.timeline.MAX_POINTS",
    "stats.worker_snapshot:WorkerSnapshot.reach": WORDS,
    "stun.timer_wheel:TimerWheel._due": CPES,
    "swarm.admission:Complaints._names": "swarm.admission.MAX_NAMES",
    "swarm.admission:FleetWorkerRunner._early": "what a proven master sends before users start",
    "swarm.cr_router:CRRouter._urls": WORKERS,
    "swarm.index_lease:IndexLease._waiting": USER,
    "swarm.index_lease:_Waiter.ranges": USER,
    "swarm.fleet_leases:FleetLeases._ended": WORKERS,
    "swarm.fleet_leases:FleetLeases._processes": WORKERS,
    "swarm.fleet_leases:FleetLeases.died": WORKERS,
    "swarm.index_ledger:IndexLedger._leases": WORKERS,
    "swarm.index_ledger:_Lease.granted": CPES,
    "swarm.joining:Admissions._admitted": WORKERS,
    "swarm.locust_stats:LocustStats._exchanges": "what comes between two flushes, several a second",
    "swarm.locust_stats:LocustStats._sessions": "what comes between two flushes, several a second",
    "swarm.locust_stats:Statistics._batch": WORDS,
    "swarm.locust_stats:_Batch.reasons": REASONS,
    "swarm.locust_stats:_Batch.rounded": "locust.stats.bucket_response_time",
    "swarm.master_run:MasterRun.refused": WORKERS,
    "swarm.master_run:MasterRun._watchers": WORDS,
    "swarm.master_run:MasterRun.marks": USER,
    "swarm.scenario_player:ScenarioPlayer._playing": USER,
    "swarm.scenario_player:ScenarioPlayer._stopped": USER,
    "swarm.state_receiver:StateReceiver._stored": CPES,
    "swarm.state_sender:StateSender._batch": CPES,
    "swarm.state_sender:StateSender._put_off": CPES,
    "swarm.state_sender:StateSender._unanswered": "swarm.state_sender.MAX_UNANSWERED",
    "swarm.state_sender:StateSender._within": CPES,
    "swarm.state_store:StateStore._in_writing": "the CPEs of the fleet",
    "swarm.state_store:StateStore._told": "swarm.state_sender.MAX_UNANSWERED, of each worker",
    "swarm.state_store:StateStore._waiting": "the CPEs of the fleet",
    "swarm.web.exchange_log:ExchangeLogs._logs": "swarm.web.exchange_log.MOST",
    "swarm.web.exchange_log:ExchangeLogs._until": "swarm.web.exchange_log.MOST",
    "swarm.web.queries:Queries._waiters": USER,
    "swarm.web.queries:_Waiter.given": WORKERS,
    "swarm.take_overs:TakeOvers._by_worker": WORKERS,
    "swarm.host_checks:HostChecks._failed": WORKERS,
    "swarm.terminal.held_output:HeldOutput._lines": "swarm.terminal.held_output.MAX_LINES",
    "swarm.terminal.held_output:HeldOutput._own": "two descriptors",
    "swarm.worker_reports:WorkerReports._gone": WORKERS,
    "swarm.worker_reports:WorkerReports._heard": WORKERS,
    "swarm.worker_reports:WorkerReports._held": WORKERS,
    "swarm.worker_reports:WorkerReports._past": WORKERS,
    "swarm.worker_reports:WorkerReports._snapshots": WORKERS,
    "swarm.worker_reports:WorkerReports._timelines": WORKERS,
    "swarm.worker_reports:WorkerReports.ended": WORKERS,
    "swarm.worker:Holding.ranges": CPES,
    "swarm.worker:Worker._holdings": USER,
    "swarm.worker_run:WorkerRun.profiles": MODEL,
    "swarm.worker_run:WorkerRun.reach": WORDS,
    "engine.xmpp_connections:ShardXMPP._standing": WORDS,
    "engine.xmpp_connections:ShardXMPP._wanted": CPES,
    "xmpp.connections:XMPPConnections._clients": CPES,
    "xmpp.connections:XMPPConnections._due": CPES,
    "xmpp.connections:XMPPConnections._failed": CPES,
    "xmpp.connections:XMPPConnections._logging_in": CPES,
    "xmpp.connections:XMPPConnections._waiting": CPES,
    "xmpp.connections:XMPPConnections.counts": WORDS,
    "xmpp.scram:SaltedKeys._keys": "xmpp.scram.MAX_KEPT_KEYS",
}
"""What bounds each: a constant of ``caretaker``, or what it can't be more than."""
_MADE = {"dict", "list", "set", "Counter", "defaultdict", "deque", "OrderedDict"}
_OF_FILES = ("console", "profiles", "reporting", "testing")
"""Packages that keep what the user's own files have, for as long as a command takes."""


def containers(root: Path) -> Iterator[str]:
    """The attributes of classes that begin as an empty container."""
    for path in sorted((root / "caretaker").rglob("*.py")):
        module = ".".join(path.relative_to(root / "caretaker").with_suffix("").parts)
        if module.startswith(_OF_FILES):
            continue
        classes = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ClassDef)]
        for kind in classes:
            for node in ast.walk(kind):
                if isinstance(node, ast.Assign | ast.AnnAssign) and _is_container(node.value):
                    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                    name = ast.unparse(target)
                    if name.startswith("self.") or node in kind.body:
                        yield f"{module}:{kind.name}.{name.removeprefix('self.')}"


def _is_container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Dict | ast.List):
        return ast.unparse(value) in ("{}", "[]")
    if not isinstance(value, ast.Call):
        return False
    made = {keyword.arg: ast.unparse(keyword.value) for keyword in value.keywords}
    name = ast.unparse(value.func).partition("[")[0]
    if len(value.args) > (name == "defaultdict"):  # whose values begin so
        return False
    return name in _MADE or (name == "field" and made.get("default_factory") in _MADE)


def test_each_container_has_what_bounds_it(root: Path) -> None:
    assert set(containers(root)) == set(BOUNDS)


def test_each_cache_has_a_size(root: Path) -> None:
    without = {
        path.relative_to(root).as_posix()
        for path in (root / "caretaker").rglob("*.py")
        if any(text in path.read_text() for text in ("@cache\n", "lru_cache(None", "@lru_cache\n"))
    }
    assert without == {
        "caretaker/cwmp/message_xml.py",  # classes of messages
        "caretaker/device/plain_data.py",  # classes of records
        "caretaker/reporting/counted_sections.py",  # sections of the summary
        "caretaker/reporting/pages.py",  # our own templates
        "caretaker/reporting/service_levels.py",  # without arguments
        "caretaker/reporting/summary_file.py",  # without arguments, and its sections
    }
