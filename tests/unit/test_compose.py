"""The Compose file and the image: valid, closed to the network, and true to the project."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml

from tests.conftest import ROOT
from tests.unit.test_docs import known_variables, wrong_command
from transport.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.kafka.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one.get("profiles") == ["app"]}
PARTS = {name: one for name, one in SERVICES.items() if name not in OURS}
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
ADDRESSES = {"KAFKA_BOOTSTRAP_SERVERS", "SCHEMA_REGISTRY_URL", "DATABASE_URL"}


def check(compose: dict[str, Any]) -> None:
    """Hold a Compose file against the specification's own schema."""
    spec = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(compose, json.loads(spec.read_text("utf-8")))


def is_one_shot(service: dict[str, Any]) -> bool:
    return bool(service.get("restart") == "no")


def listeners(setting: str) -> dict[str, str]:
    """Return addresses (or protocols) of Kafka's listeners by name."""
    value = SERVICES["kafka"]["environment"][setting]
    pairs = re.findall(r"(\w+):(?://)?((?:\$\{[^}]*\}|[^,])+)", value)
    return dict(pairs)


def test_it_is_valid() -> None:
    check(COMPOSE)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("healthchek", {}, id="a misspelt key"),
        pytest.param("depends_on", {"kafka": {"condition": "healthy"}}, id="a condition"),
        pytest.param("volumes", "kafka-data:/data", id="not a list"),
    ],
)
def test_the_schema_refuses(key: str, value: Any) -> None:
    broken = copy.deepcopy(COMPOSE)
    broken["services"]["kafka"][key] = value
    with pytest.raises(jsonschema.ValidationError):
        check(broken)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_that_stays_is_checked(name: str) -> None:
    service = SERVICES[name]
    if is_one_shot(service):
        assert service["healthcheck"] == {"disable": True}
    elif name in OURS:
        assert "healthcheck" not in service, "the image has one"
        assert "\nHEALTHCHECK " in DOCKERFILE
    else:
        assert {"test", "interval", "timeout", "retries", "start_period"} == set(
            service["healthcheck"]
        )


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_come(name: str) -> None:
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        condition = wait["condition"]
        assert is_one_shot(SERVICES[other]) == (condition == "service_completed_successfully")
        assert condition != "service_healthy" or other in PARTS


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    ports = SERVICES[name].get("ports", [])
    assert all(re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z_]+:-\d+\}:\d+", port) for port in ports)
    assert bool(ports) == (name in PARTS)


def test_clients_inside_and_outside_are_sent_to_where_kafka_listens() -> None:
    bound, advertised = listeners("KAFKA_LISTENERS"), listeners("KAFKA_ADVERTISED_LISTENERS")
    assert set(listeners("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP")) == set(bound) > set(advertised)
    (inside,) = (name for name, address in advertised.items() if address.startswith("kafka:"))
    (outside,) = set(advertised) - {inside}
    assert advertised[inside] == f"kafka{bound[inside]}"
    assert SERVICES["kafka"]["ports"] == [f"{advertised[outside]}{bound[outside]}"]
    for one in OURS.values():
        assert one["environment"]["KAFKA_BOOTSTRAP_SERVERS"] == advertised[inside]


@pytest.mark.parametrize("name", OURS)
def test_variables_of_ours_are_settings(name: str) -> None:
    named = set(OURS[name]["environment"])
    assert named <= known_variables()
    assert named >= ADDRESSES, "without one the image would look for an embedded part"


def test_replicas_have_ids_of_their_own() -> None:
    ids = [one["environment"].get("QUANTIVA_INSTANCE_ID") for one in OURS.values()]
    given = [one for one in ids if one is not None]
    assert len(given) == len(set(given)) == 2


@pytest.mark.parametrize("name", OURS)
def test_commands_are_those_of_the_command_line(name: str) -> None:
    assert wrong_command(OURS[name]["command"]) is None


@pytest.mark.parametrize("name", PARTS)
def test_images_have_a_version(name: str) -> None:
    assert re.search(r":v?\d[\w.]*$", PARTS[name]["image"])


def test_volumes_are_named_and_used() -> None:
    used = {volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_the_password_comes_from_the_environment() -> None:
    password = SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert re.fullmatch(r"\$\{POSTGRES_PASSWORD:-[\w-]+\}", password)
    for one in OURS.values():
        assert f":{password}@postgres:" in one["environment"]["DATABASE_URL"]


def test_the_example_environment_fits_the_ports_of_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    given = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))
    for name in given.keys() & known_variables():
        monkeypatch.setenv(name, given[name])
    settings = Settings()  # refuses a value that does not fit
    assert settings.bootstrap == f"127.0.0.1:{given['KAFKA_PORT']}"
    assert settings.registry_url == f"http://127.0.0.1:{given['REGISTRY_PORT']}"
    assert settings.database_url is not None
    address = f":{given['POSTGRES_PASSWORD']}@127.0.0.1:{given['POSTGRES_PORT']}/"
    assert address in settings.database_url.get_secret_value()


def test_the_image_gets_all_that_the_package_is_built_from() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found = project["tool"]["setuptools"]["packages"]["find"]["include"]
    needed = {name.removesuffix("*") for name in found}
    needed |= {"pyproject.toml", project["project"]["readme"]}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {name for line in copied for name in line.split()} == needed
    ignored = (ROOT / ".dockerignore").read_text("utf-8")
    assert {line[1:] for line in ignored.splitlines() if line.startswith("!")} == needed


def test_the_image_runs_as_a_user_without_rights_and_with_the_producers() -> None:
    build, run = re.split(r"^FROM python:3\.11-slim$", DOCKERFILE, flags=re.MULTILINE)
    assert "FROM python:3.11-slim AS build" in build
    assert re.search(r"^USER (?!root)\w+$", run, re.MULTILINE)
    assert 'ARG EXTRAS="[sources]"' in build
    assert "pip install" not in run


@pytest.mark.parametrize("instruction", ["HEALTHCHECK", "CMD"])
def test_the_image_starts_commands_that_exist(instruction: str) -> None:
    pattern = rf"^{instruction}(?: --\S+)*(?: CMD)? (\[.*\])$"
    (found,) = re.findall(pattern, DOCKERFILE, re.MULTILINE)
    words = json.loads(found)
    assert wrong_command(words[1:] if words[0] == "quantiva" else words) is None
