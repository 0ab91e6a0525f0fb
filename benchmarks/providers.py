"""Messages a second of the real `newsletter publish` through each provider's API, into an HTTP server of this machine.

The answers are those that the contract suite knows the provider by. Connections are 8; batches as large as the provider
takes. As many processes as the program thinks pay; the memory is that of the first, which leads them. One run each:
`--recipients 10000` makes them shorter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from benchmarks.measure import Cost, cost, free_port, table
from benchmarks.sending import ISSUE, PROGRAM, newsletter
from newsletter.providers import PROVIDERS, provider

RECIPIENTS = 100_000
EXAMPLES = Path(__file__).parents[1] / "tests" / "contracts" / "providers"
CONNECTIONS = 8


def through(name: str, recipients: int) -> tuple[float, Cost, int]:
    """The seconds of sending, the cost of the process, and the octets that the provider was sent."""
    told = tomllib.loads((EXAMPLES / f"{name}.toml").read_text("utf-8"))
    good, module, port = told["good"], provider(name), free_port()
    known = told.get("account", {}).get("settings", {})
    own = {key: value for key, value in known.items() if not module.SETTINGS[key].secret and key != "endpoint"}
    settings = "".join(f"{key} = {json.dumps(value)}\n" for key, value in own.items())
    section = f'[transports.api]\nkind = "{name}"\nendpoint = "http://127.0.0.1:{port}"\nconnections = {CONNECTIONS}\n'
    images = '[images]\nplace = "link"\n'
    answer = {"status": good.get("status", 200), "headers": good.get("headers", {})}
    command = [sys.executable, "-m", "benchmarks.http_sink", str(port), good.get("each", ""), good["body"]]
    with (
        subprocess.Popen([*command, json.dumps(answer)], stdout=subprocess.PIPE, text=True) as sink,
        newsletter(recipients, port, f"{section}{settings}{images}") as folder,
    ):
        try:
            env = {**os.environ, module.KEY_ENV or "UNUSED": "a-key:another"}
            publish: list[str | Path] = [PROGRAM, "publish", ISSUE, "--transport", "api", "--yes", "--json", "--quiet"]
            spent = cost(publish, cwd=folder, env=env)
        finally:
            sink.terminate()
            said, _ = sink.communicate()
    report = json.loads(spent.output)
    assert report["accepted"] == recipients, (name, report)
    return report["seconds"], spent, int(said)


def run() -> None:
    """Print the table."""
    rows = []
    for name in PROVIDERS:
        seconds, spent, octets = through(name, RECIPIENTS)
        batch = provider(name).CAPABILITIES.batch
        rows.append(
            (
                name,
                f"{batch:,}",
                f"{RECIPIENTS / seconds:,.0f}",
                f"{spent.cpu * 1e6 / RECIPIENTS:,.0f} µs",
                f"{octets / RECIPIENTS / 1000:,.1f} kB",
                f"{spent.peak:,.0f} MB",
            )
        )
    title = f"{RECIPIENTS:,} recipients through each provider's API, {CONNECTIONS} connections"
    table(title, ("provider", "a request", "messages/s", "CPU a message", "sent a message", "memory"), rows)
