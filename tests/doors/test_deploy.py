"""The files in deploy/: units that systemd understands, services that compose does, and commands that exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from newsletter.cli import cli

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
COMPOSE = DEPLOY / "compose.yaml"

# Of the compose specification, what is used here.
SERVICE_KEYS = {
    "build": dict, "image": str, "command": list, "ports": list, "healthcheck": dict, "depends_on": list,
    "restart": str, "init": bool, "read_only": bool, "tmpfs": list, "cap_drop": list, "security_opt": list,
    "user": str, "environment": dict, "volumes": list, "stop_signal": str, "stop_grace_period": str,
}  # fmt: skip
HARDENING = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
    "CapabilityBoundingSet": "", "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6", "UMask": "0077",
}  # fmt: skip


def check_command(arguments: list[str]) -> None:
    """Raises click.UsageError for a command or an option that there is not."""
    command = cli.get_command(click.Context(cli), arguments[0])
    assert command is not None, arguments
    command.make_context(arguments[0], arguments[1:], resilient_parsing=False)


def unit_of(path: Path) -> RawConfigParser:
    parser = RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#", ";"))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text("utf-8"))
    return parser


def compose() -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe").load(COMPOSE)
    return read


def test_there_are_units_for_all_processes() -> None:
    names = ["newsletter-run.service", "newsletter-serve.service", "newsletter-worker.service"]
    assert [path.name for path in UNITS] == names


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong_with_a_unit(path: Path, tmp_path: Path) -> None:
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("systemd-analyze is not installed")
    # The program need not be installed where the tests run.
    copy = tmp_path / path.name
    copy.write_text(path.read_text("utf-8").replace("/usr/local/bin/newsletter", shutil.which("true") or "/bin/true"))
    done = subprocess.run([analyze, "verify", copy], capture_output=True, text=True, check=False)
    assert path.name not in done.stderr, done.stderr


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists_and_can_write_nowhere_else(path: Path) -> None:
    unit = unit_of(path)
    assert {"Unit", "Service", "Install"} == set(unit.sections())
    service = dict(unit["Service"])
    program, *arguments = shlex.split(service["ExecStart"])
    assert program.startswith("/")
    check_command(arguments)
    assert {name: service.get(name) for name in HARDENING} == HARDENING
    assert service["ReadWritePaths"] == service["WorkingDirectory"]
    assert service["User"] not in ("", "root")
    assert int(service["TimeoutStopSec"]) > 10  # what is in flight has eight seconds


def test_compose_has_the_pages_two_workers_a_database_and_a_mail_server_in_words_that_it_knows() -> None:
    read = compose()
    assert set(read) - {"services", "volumes"} == {"x-newsletter"}
    assert set(read["services"]) == {"web", "worker-1", "worker-2", "database", "relay"}
    for name, service in read["services"].items():
        assert set(service) <= set(SERVICE_KEYS), name
        for key, value in service.items():
            assert isinstance(value, SERVICE_KEYS[key]), (name, key)
        assert ("image" in service) != ("build" in service)
        assert set(service.get("depends_on", ())) <= set(read["services"])
        for volume in service["volumes"]:
            source = re.sub(r"\$\{[^}]*\}", "/x", volume).partition(":")[0]
            assert source.startswith("/") or source in read["volumes"], volume


@pytest.mark.parametrize("name", ["web", "worker-1", "worker-2"])
def test_the_services_of_compose_run_commands_that_exist_and_are_kept_small(name: str) -> None:
    service = compose()["services"][name]
    check_command([str(word) for word in service["command"]])
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    build = service["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_the_pages_are_open_to_this_machine_only_until_a_web_server_stands_before_them() -> None:
    assert all(port.startswith("127.0.0.1:") for port in compose()["services"]["web"]["ports"])


def test_docker_reads_the_compose_file() -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    done = subprocess.run(
        [docker, "compose", "--file", COMPOSE, "config", "--quiet"],
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "LETTER": "/letter", "SENDER_DOMAIN": "example.org",
             "DATABASE_PASSWORD": "x"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
