"""Real mail servers, each in a folder of its own, on loopback and free ports, for as long as a `with` block lasts.

postfix     delivers into a Maildir; with TLS and logins            `.ci/packages`
dovecot     LMTP over TCP and a UNIX socket; checks logins          `.ci/packages`
exim        delivers into a Maildir                                 `.ci/unpack`
opensmtpd   delivers into a Maildir                                 `.ci/unpack`
smtp_sink   Postfix's test server, which misbehaves as asked        `.ci/packages`

What is not installed is skipped, with the command that installs it. They need root: each drops to users of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.transports.smtp_session import Server
from tests.support.small_root import small_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CERTIFICATE = Path(__file__).parents[1] / "doors" / "localhost.pem"
LOGIN = ("ada", "s3cret-and-long")
PATIENCE = 20.0  # seconds for a server to begin, or for a message to get from its queue into its Maildir


@dataclass
class Mailserver:
    """A running server. It refuses gone@example.org, and what is not for example.org."""

    server: Server
    maildir: Path
    folder: Path
    defers: bool = True  # later@example.org
    has_limit: bool = True  # of a megabyte
    others: dict[str, Server] = field(default_factory=dict)  # more ways in

    def mail(self, number: int) -> list[bytes]:
        """The messages in its Maildir, once there are so many."""
        until = time.monotonic() + PATIENCE
        while len(files := self._files()) < number:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(files)} of {number} messages arrived\n{self.logs()}")
            time.sleep(0.01)
        return [each.read_bytes() for each in files]

    def empty(self) -> None:
        """Forget what has arrived."""
        for each in self._files():
            each.unlink()

    def logs(self) -> str:
        """The ends of its logs, for a test that fails."""
        logs = [each for each in self.folder.rglob("*log") if each.is_file()]
        return "\n".join(line for each in logs for line in each.read_text("utf-8", "replace").splitlines()[-20:])

    def _files(self) -> list[Path]:
        return [each for part in ("new", "cur") for each in (self.maildir / part).glob("*")]


@contextmanager
def smtp_sink(*options: str) -> Iterator[tuple[Server, Callable[[], list[bytes]]]]:
    """smtp-sink with these options, and a function that ends it and returns the messages that it wrote down."""
    program = _installed("/usr/sbin/smtp-sink", "apt-get install postfix")
    with _folder() as folder:
        port = free_port()
        command = [program, *options, "-d", str(folder / "m.")]
        if os.geteuid() == 0:
            shutil.chown(folder, "postfix")
            command += ["-u", "postfix"]
        with _running([*command, f"inet:127.0.0.1:{port}", "100"], folder, "sink", port) as process:

            def written() -> list[bytes]:
                process.terminate()
                process.wait(PATIENCE)
                # An empty one is a message that was begun and not sent.
                return [data for each in folder.glob("m.*") if (data := each.read_bytes())]

            yield Server("127.0.0.1", port, lmtp="-L" in options), written


@contextmanager
def postfix(settings: str = "", dovecot_login: Path | None = None) -> Iterator[Mailserver]:
    """Postfix, with more settings in the form of main.cf; with Dovecot's socket, logins on its encrypted ports."""
    program = _installed("/usr/lib/postfix/sbin/master", "apt-get install postfix")
    _needs_root("Postfix")
    with _folder() as folder:
        ports = [free_port() for _ in range(4)]
        plain, encrypted, wrapped, crowded = ports
        config = folder / "etc"
        queue, data, mail = (folder / name for name in ("queue", "data", "mail"))
        for each in (config, queue, data, mail):
            each.mkdir()
        shutil.chown(data, "postfix")
        shutil.chown(mail, "nobody", "nogroup")
        (config / "main.cf").write_text(_MAIN_CF.format(folder=folder, certificate=CERTIFICATE, login=dovecot_login))
        with (config / "main.cf").open("a") as file:
            file.write(settings)
        (config / "master.cf").write_text(
            _MASTER_CF.format(plain=plain, encrypted=encrypted, wrapped=wrapped, crowded=crowded)
        )
        # What `postfix check` would make, which takes seconds.
        for name in _POSTFIX_QUEUES:
            (queue / name).mkdir(mode=0o700)
            shutil.chown(queue / name, "postfix")
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            (queue / name).mkdir(mode=mode)
            shutil.chown(queue / name, "postfix", "postdrop")
        (queue / "pid").mkdir()
        with _running([program, "-c", str(config), "-d"], folder, "master", *ports):
            yield Mailserver(
                Server("127.0.0.1", plain),
                mail / "all",
                folder,
                others={
                    "starttls": _encrypted(encrypted, "starttls"),
                    "tls": _encrypted(wrapped, "tls"),
                    "crowded": Server("127.0.0.1", crowded),
                },
            )


@contextmanager
def dovecot() -> Iterator[Mailserver]:
    """Dovecot's LMTP for readers of example.org, and its check of logins for Postfix in `folder/login`."""
    program = _installed("/usr/sbin/dovecot", "apt-get install dovecot-lmtpd")
    _installed("/usr/lib/dovecot/lmtp", "apt-get install dovecot-lmtpd")
    _needs_root("Dovecot")
    with _folder() as folder:
        port = free_port()
        mail = folder / "mail"
        mail.mkdir()
        shutil.chown(mail, "nobody", "nogroup")
        readers = [f"reader{number}@example.org:{{PLAIN}}x::::::" for number in range(300)]
        users = [f"{LOGIN[0]}:{{PLAIN}}{LOGIN[1]}::::::", *readers]
        (folder / "users").write_text("\n".join(users) + "\n")
        (folder / "dovecot.conf").write_text(_DOVECOT_CONF.replace("FOLDER", str(folder)).replace("PORT", str(port)))
        with _running([program, "-c", str(folder / "dovecot.conf"), "-F"], folder, "dovecot", port):
            socket_path = folder / "lmtp"
            yield Mailserver(
                Server("127.0.0.1", port, lmtp=True),
                mail,
                folder,
                defers=False,
                has_limit=False,
                others={"unix": Server(f"unix:{socket_path}", 0, lmtp=True)},
            )


@contextmanager
def exim(settings: str = "") -> Iterator[Mailserver]:
    """Exim, with more settings in the form of its main section."""
    program = _unpacked("usr/sbin/exim4")
    _needs_root("Exim")
    with _folder() as folder:
        port = free_port()
        root = small_root(folder / "root", [program], {"Debian-exim": "/var/spool/exim"})
        root.make_folder("var/spool/exim", "Debian-exim")
        root.make_folder("var/log/exim", "Debian-exim")
        root.make_folder("var/mail", "Debian-exim")
        root.write("etc/exim.conf", _EXIM_CONF.format(port=port, settings=settings))
        with _running(root.command(program, "-C", "/etc/exim.conf", "-bdf"), folder, "exim", port):
            yield Mailserver(Server("127.0.0.1", port), root.path / "var/mail/all", folder)


@contextmanager
def opensmtpd() -> Iterator[Mailserver]:
    """OpenSMTPD, which takes a hundred messages a connection and no PIPELINING."""
    program = _unpacked("usr/sbin/smtpd")
    _needs_root("OpenSMTPD")
    helpers = program.parents[2] / "usr/libexec/opensmtpd"
    with _folder() as folder:
        port = free_port()
        programs = [program, program.with_name("smtpctl"), helpers / "mail.maildir"]
        users = {"opensmtpd": "/var/lib/opensmtpd/empty", "opensmtpq": "/var/spool/smtpd", "reader": "/var/mail"}
        root = small_root(folder / "root", programs, users)
        root.make_folder("var/lib/opensmtpd/empty")
        root.make_folder("var/spool/smtpd", mode=0o711)
        root.make_folder("var/run")
        root.make_folder("var/mail", "reader")
        root.write("etc/smtpd.conf", _SMTPD_CONF.format(port=port))
        root.write("etc/mailname", "smtpd.example.org\n")
        with _running(root.command(program, "-d", "-f", "/etc/smtpd.conf"), folder, "smtpd", port):
            yield Mailserver(Server("127.0.0.1", port), root.path / "var/mail/all", folder, defers=False)


# ── Programs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that servers with users of their own can reach, with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="mail"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(command: Sequence[str], folder: Path, name: str, *ports: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; it listens on its ports when the block begins."""
    log = folder / f"{name}.log"
    with (
        log.open("w") as out,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True) as process,
    ):
        try:
            for port in ports:
                _await_port(port, process, log)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                # And what it has started and left behind, such as a delivery that is under way.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the server does not listen on {port}\n{log.read_text()}") from None
            time.sleep(0.01)
        else:
            return


def _installed(program: str, how: str) -> str:
    if not Path(program).exists():
        pytest.skip(f"{Path(program).name} is not installed: {how}")
    return program


def _unpacked(program: str) -> Path:
    for root in ("/", os.environ.get("NEWSLETTER_SERVERS", "/opt/newsletter-servers")):
        if (path := Path(root) / program).exists():
            return path
    pytest.skip(f"{Path(program).name} is not there: run .ci/unpack as root on Debian")


def _needs_root(server: str) -> None:
    if os.geteuid() != 0:
        pytest.skip(f"{server} can only be started by root")


def _encrypted(port: int, security: str) -> Server:
    return Server("localhost", port, security, *LOGIN, ca_file=str(CERTIFICATE))


# ── Settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_POSTFIX_QUEUES = ("active", "bounce", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")
_MAIN_CF = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = postfix.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
message_size_limit = 1000000
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{
  {{gone@example.org = 550 5.1.1 no such user}} {{later@example.org = 450 4.2.0 come back later}} }}
smtpd_error_sleep_time = 0
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {login}
"""
_MASTER_CF = """
127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{encrypted} inet n - n - - smtpd
  -o smtpd_tls_security_level=may -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{wrapped} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{crowded} inet n - n - - smtpd
  -o smtpd_client_connection_count_limit=3 -o smtpd_client_event_limit_exceptions=
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_DOVECOT_CONF = """
base_dir = FOLDER/run
state_dir = FOLDER/state
log_path = FOLDER/dovecot-mail.log
protocols = lmtp
ssl = no
mail_location = maildir:FOLDER/mail
hostname = dovecot.example.org
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u FOLDER/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=FOLDER/mail
}
first_valid_uid = 0
service lmtp {
  unix_listener FOLDER/lmtp {
    mode = 0666
  }
  inet_listener lmtp {
    address = 127.0.0.1
    port = PORT
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener FOLDER/login {
    mode = 0666
  }
}
"""
_EXIM_CONF = """
primary_hostname = exim.example.org
spool_directory = /var/spool/exim
log_file_path = /var/log/exim/%slog
pid_file_path = /var/spool/exim/pid
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
tls_advertise_hosts =
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
message_size_limit = 1M
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
deliver_drop_privilege = true
keep_environment =
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = accept
{settings}
begin acl
acl_rcpt:
  deny local_parts = gone
       message = 5.1.1 no such user
  defer local_parts = later
       message = 4.2.0 come back later
  accept domains = example.org
  deny message = 5.7.1 relay not permitted
begin routers
all:
  driver = accept
  transport = keep
begin transports
keep:
  driver = appendfile
  directory = /var/mail/all
  maildir_format
begin retry
* * F,1h,1m
"""
_SMTPD_CONF = """
table everybody {{ "@" = reader }}
smtp max-message-size "1M"
listen on 127.0.0.1 port {port} hostname smtpd.example.org
action "keep" maildir "/var/mail/all" virtual <everybody>
match from any for rcpt-to "gone@example.org" reject
match from any for domain "example.org" action "keep"
"""
