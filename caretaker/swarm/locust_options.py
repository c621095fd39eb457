"""What the help of a run says of Locust's own options, with those of ours that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from caretaker.swarm.options import GROUPS

RUN = "the run"
ACS = "towards the ACS"
WRITTEN = "what is written"
WEB = "web UI"
WORKERS = "workers"
USERS = "users of your own"
LOG = "log, and Locust's figures"
HELP = "help"

HELP_GROUPS: tuple[str, ...] = (*GROUPS, USERS, LOG, HELP)
"""The groups of all options, in the order of the help and of ``docs/options.md``."""


class LocustOption(NamedTuple):
    """
    What the help says of one option.

    Args:
        group: of ``HELP_GROUPS``.
        unit: what a value is; empty for a switch.
        example: a value as it is typed in a shell; empty for a switch.
        help: its description, without the default.
        nothing: what holds without it, where the parser's default does not say it.
    """

    group: str
    unit: str
    example: str
    help: str
    nothing: str = ""


LOCUST_OPTIONS: Mapping[str, LocustOption] = {
    "num_users": LocustOption(
        RUN, "int", "20000", "Locust users, each of which holds --cpes-per-user CPEs."
    ),
    "spawn_rate": LocustOption(RUN, "users/s", "100", "Users that start per second."),
    "run_time": LocustOption(
        RUN, "time", "10m", "Length of the run, like 90s, 10m or 1h20m (0: until it is ended).",
        "60s; 30m with the scenario find-capacity; no end with the web UI",
    ),
    "processes": LocustOption(
        RUN, "int", "4", "Worker processes of this machine (-1: one for each core).",
        "2; none with --master, one with --worker",
    ),
    "locustfile": LocustOption(
        RUN, "file.py", "own.py",
        "A locustfile of your own, or several with commas between them.", "the one of the package",
    ),
    "config": LocustOption(
        RUN, "file.toml", "run.toml",
        "File of options, by their names without the dashes (users = 500). The environment wins "
        "over it, and the command line over both.", "none",
    ),
    "stop_timeout": LocustOption(
        RUN, "time", "30s", "Longest time that a user of your own may take to end its task."
    ),
    "exit_code_on_error": LocustOption(
        RUN, "int", "5", "Exit code where users of your own failed and nothing else did."
    ),
    "host": LocustOption(
        ACS, "url", "http://acs.example.com:7547/", "URL of the ACS.", "the embedded ACS"
    ),
    "csv_prefix": LocustOption(
        WRITTEN, "prefix", "out/run", "Write Locust's figures to files of this prefix, as CSV.",
        "no files",
    ),
    "stats_history_enabled": LocustOption(
        WRITTEN, "", "", "With --csv, write each of Locust's figures over the time of the run, too."
    ),
    "html_file": LocustOption(
        WRITTEN, "file", "locust.html",
        "Write Locust's own report to this file. --report has that of the fleet.", "no file",
    ),
    "json_file": LocustOption(
        WRITTEN, "file", "locust.json", "Write Locust's figures to this file, as JSON.", "no file"
    ),
    "headful": LocustOption(WEB, "", "", "Serve the web UI, where the run is started and ended."),
    "autostart": LocustOption(WEB, "", "", "Serve the web UI, and start the run at once."),
    "autoquit": LocustOption(
        WEB, "seconds", "30",
        "With --autostart, seconds from the end of the run to that of the web UI (-1: it stays).",
    ),
    "headless": LocustOption(WEB, "", "", "Do not serve the web UI. That is the default."),
    "web_host": LocustOption(WEB, "address", "10.0.0.7", "Address that the web UI is bound to."),
    "web_port": LocustOption(WEB, "port", "8090", "Port of the web UI."),
    "web_base_path": LocustOption(
        WEB, "path", "/loadtest", "Path that the web UI is below, as behind a proxy.", "/"
    ),
    "web_login": LocustOption(WEB, "", "", "Have the web UI ask for a login (see Locust's docs)."),
    "tls_cert": LocustOption(
        WEB, "file", "web.pem", "Certificate of the web UI, in PEM; with --tls-key.", "http"
    ),
    "tls_key": LocustOption(
        WEB, "file", "web.key", "Private key of --tls-cert, in PEM.", "http"
    ),
    "class_picker": LocustOption(
        WEB, "", "", "Let the web UI choose among the users of your locustfile."
    ),
    "master": LocustOption(
        WORKERS, "", "", "Be the master of a run whose workers are started by hand."
    ),
    "master_bind_host": LocustOption(
        WORKERS, "address", "10.0.0.7", "Address where the master waits for its workers."
    ),
    "master_bind_port": LocustOption(
        WORKERS, "port", "6000", "Port where the master waits for its workers.",
        "any free one; 5557 with --master",
    ),
    "expect_workers": LocustOption(
        WORKERS, "int", "8", "Workers that the master waits for, before it starts the run."
    ),
    "expect_workers_max_wait": LocustOption(
        WORKERS, "seconds", "60", "Longest time that it waits for them (0: for ever)."
    ),
    "enable_rebalancing": LocustOption(
        WORKERS, "", "", "Share the CPEs anew when a worker comes or goes. That is always on."
    ),
    "worker": LocustOption(WORKERS, "", "", "Be a worker of a master on another machine."),
    "master_host": LocustOption(
        WORKERS, "host", "loadgen-0", "Host of the master that this worker joins."
    ),
    "master_port": LocustOption(
        WORKERS, "port", "6000", "Port of the master that this worker joins.",
        "5557; without --worker that of --master-bind-port",
    ),
    "user_classes": LocustOption(
        USERS, "UserClass", "CPEUser Portal", "The users to run, at the end of the command line.",
        "all of the locustfile",
    ),
    "list_commands": LocustOption(USERS, "", "", "List the users of the locustfile, and end."),
    "config_users": LocustOption(
        USERS, "json", "'[{\"user_class_name\": \"Portal\", \"weight\": 2}]'",
        "Settings of users, as JSON or in a file.", "those of the locustfile",
    ),
    "tags": LocustOption(
        USERS, "tag", "slow", "Run tasks with one of these tags only.", "all tasks"
    ),
    "exclude_tags": LocustOption(USERS, "tag", "slow", "Run no task of these tags.", "none"),
    "equal_weights": LocustOption(USERS, "", "", "Give all users of the locustfile equal weights."),
    "show_task_ratio": LocustOption(
        USERS, "", "", "Print the shares of the users and their tasks, and end."
    ),
    "show_task_ratio_json": LocustOption(
        USERS, "", "", "Print the shares of the users and their tasks as JSON, and end."
    ),
    "loglevel": LocustOption(LOG, "level", "WARNING", "Least level of what is logged."),
    "logfile": LocustOption(LOG, "file", "run.log", "Write the log to this file.", "stderr"),
    "skip_log_setup": LocustOption(LOG, "", "", "Leave logging as your locustfile sets it up."),
    "only_summary": LocustOption(
        LOG, "", "", "Print no tables of Locust's during the run. That is the default."
    ),
    "print_stats": LocustOption(LOG, "", "", "Print Locust's tables during a run with the web UI."),
    "reset_stats": LocustOption(LOG, "", "", "Count Locust's figures from when all users are up."),
    "otel": LocustOption(LOG, "", "", "Trace requests of your own users with OpenTelemetry."),
    "help": LocustOption(HELP, "", "", "Print all options, and end."),
    "version": LocustOption(HELP, "", "", "Print the version of Locust, and end."),
}  # fmt: skip
"""By the names of Locust's namespace. What the parser has beside these and ours is not shown."""
