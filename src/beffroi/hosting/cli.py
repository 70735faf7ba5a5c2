"""Commands on applications: parse, call one verb, show."""

import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from beffroi.hosting.model import Deployment, JobRun, RollBack, SecretValue
from beffroi.hosting.service import HostedApplication, SecretName
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.http.command_line import (
    JsonOption,
    follow_operation,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.operations.model import Operation
from beffroi.kernel.units import told_bytes

Application = Annotated[str, typer.Argument(help="The application, as in the territory file.")]


def applications(*, as_json: JsonOption = False) -> None:
    """List the applications: state, address, organisation, release, memory."""
    found = platform().ask("GET", "/api/applications", list[HostedApplication])
    if as_json:
        show_json(found)
        return
    language = told_language()
    titles = ("application", "state", "address", "organisation", "release", "memory")
    show_table(
        [sentence(language, f"hosting.columns.{title}") for title in titles],
        [
            (
                one.name,
                sentence(language, f"hosting.states.{one.state}"),
                one.url,
                one.organisation,
                one.serving.digest if one.serving else "",
                told_bytes(one.usage.memory_bytes) if one.usage else "",
            )
            for one in found
        ],
    )


def deploy(name: Application, *, as_json: JsonOption = False) -> None:
    """Build the source as it is now; once healthy it takes the traffic."""
    _change(name, "deploy", None, as_json=as_json)


def rollback(
    name: Application,
    deployment: Annotated[
        int | None, typer.Option("--to", help="Deployment to go back to; the one before if absent.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Serve an earlier deployment again, until the next one."""
    _change(name, "roll-back", RollBack(deployment), as_json=as_json)


def restart(name: Application, *, as_json: JsonOption = False) -> None:
    """Start the serving release anew, with today's secrets, without a gap."""
    _change(name, "restart", None, as_json=as_json)


def stop(name: Application, *, as_json: JsonOption = False) -> None:
    """Stop an application; its visitors are told so."""
    _change(name, "stop", None, as_json=as_json)


def start(name: Application, *, as_json: JsonOption = False) -> None:
    """Start a stopped application."""
    _change(name, "start", None, as_json=as_json)


def sleep(name: Application, *, as_json: JsonOption = False) -> None:
    """Stop an application that nobody uses now; its next visitor wakes it."""
    _change(name, "sleep", None, as_json=as_json)


def wake(name: Application, *, as_json: JsonOption = False) -> None:
    """Wake an application that sleeps or is frozen."""
    _change(name, "wake", None, as_json=as_json)


def deployments(name: Application, *, as_json: JsonOption = False) -> None:
    """List an application's deployments, newest first."""
    found = platform().ask("GET", f"/api/applications/{name}/deployments", list[Deployment])
    if as_json:
        show_json(found)
        return
    language = told_language()
    titles = ("deployment", "state", "release", "date", "actor", "reason")
    show_table(
        [sentence(language, f"hosting.columns.{title}") for title in titles],
        [
            (
                str(one.number),
                sentence(language, f"hosting.states.{one.state}"),
                one.digest,
                f"{one.created_at:%Y-%m-%d %H:%M:%S}",
                one.actor,
                one.reason.partition("\n")[0],
            )
            for one in found
        ],
    )


def logs(
    name: Application,
    log: Annotated[
        str, typer.Option("--log", help="application, build, prepare, or job-NAME.")
    ] = "application",
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=5000, help="How many.")] = 100,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
) -> None:
    """Show the last lines of an application's log."""
    path = f"/api/applications/{name}/logs/{log}"
    if not follow:
        for line in platform().ask("GET", f"{path}?lines={lines}", list[str]):
            typer.echo(line)
        return
    for line in platform().events(f"{path}/live"):
        typer.echo(line)


def secrets(name: Application, *, as_json: JsonOption = False) -> None:
    """List an application's secrets, without their values."""
    found = platform().ask("GET", f"/api/applications/{name}/secrets", list[SecretName])
    if as_json:
        show_json(found)
        return
    for one in found:
        typer.echo(f"{one.name}  {one.set_at or '-'}")


def set_secret(
    name: Application, secret: Annotated[str, typer.Argument(help="The secret's name.")]
) -> None:
    """Set a secret to what standard input gives; a restart puts it into use."""
    value = sys.stdin.read() if not sys.stdin.isatty() else typer.prompt(secret, hide_input=True)
    body = SecretValue(value.rstrip("\n"))
    platform().ask("PUT", f"/api/applications/{name}/secrets/{secret}", type(None), body)


def show_secret(
    name: Application, secret: Annotated[str, typer.Argument(help="The secret's name.")]
) -> None:
    """Show a secret's value."""
    found = platform().ask("GET", f"/api/applications/{name}/secrets/{secret}", SecretValue)
    typer.echo(found.value)


def jobs(name: Application, *, as_json: JsonOption = False) -> None:
    """List the newest runs of an application's scheduled commands."""
    found = platform().ask("GET", f"/api/applications/{name}/jobs", list[JobRun])
    if as_json:
        show_json(found)
        return
    for one in found:
        status = "-" if one.status is None else str(one.status)
        typer.echo(f"{one.started_at:%Y-%m-%d %H:%M:%S}  {one.job}  {status}")


def _change(name: str, verb: str, body: object, *, as_json: bool) -> None:
    started = platform().ask("POST", f"/api/applications/{name}/{verb}", Operation, body)
    follow_operation(started, as_json=as_json)


COMMANDS: Mapping[str, Callable[..., Any]] = {
    "applications": applications,
    "deploy": deploy,
    "rollback": rollback,
    "restart": restart,
    "stop": stop,
    "start": start,
    "sleep": sleep,
    "wake": wake,
    "deployments": deployments,
    "logs": logs,
    "secrets": secrets,
    "set-secret": set_secret,
    "show-secret": show_secret,
    "jobs": jobs,
}
