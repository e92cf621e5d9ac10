"""A real Asterisk on loopback, from the chroot in build/pbx, with the product's own files.

voice/asterisk/*.conf go in as they are, except for what an administrator changes too: addresses,
ports and passwords. Each instance has its own folder and its own free ports.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from bot.settings import ROOT

PBX = ROOT / "build" / "pbx"
FILES = ROOT / "voice" / "asterisk"
PASSWORD = "phone-1234"
SECRET = "manager-secret"
NUMBER = "95500"  # what policyholders call
START_S = 40.0

_NOLOAD = """chan_sip chan_iax2 chan_skinny chan_mgcp chan_unistim chan_motif chan_ooh323 chan_dahdi
chan_mobile chan_console chan_alsa chan_oss res_xmpp res_hep res_hep_pjsip res_hep_rtcp res_snmp
res_corosync res_phoneprov res_pjsip_phoneprov_provider pbx_dundi app_voicemail app_voicemail_imap
app_voicemail_odbc cdr_pgsql cel_pgsql cdr_tds cel_tds cdr_radius cel_radius cdr_sqlite3_custom
cel_sqlite3_custom res_config_pgsql res_config_sqlite3 res_config_ldap res_config_odbc
res_stun_monitor res_geolocation pbx_ael pbx_lua res_ari_mailboxes res_mwi_external_ami app_minivm
res_smdi res_calendar res_prometheus res_statsd res_stir_shaken""".split()


@dataclass(frozen=True)
class Ports:
    """Free ports of one instance; `trunk` is where the carrier listens."""

    sip: int
    ami: int
    http: int
    trunk: int
    rtp: int  # the first of 400


def free_ports() -> Ports:
    udp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    tcp = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(2)]
    for one in (*udp, *tcp):
        one.bind(("127.0.0.1", 0))
    sip, trunk, ami, http = (one.getsockname()[1] for one in (*udp, *tcp))
    for one in (*udp, *tcp):
        one.close()
    return Ports(sip, ami, http, trunk, 12_000 + (sip % 40) * 400)


@dataclass
class Asterisk:
    """One exchange. `globals` override those of voice/asterisk/extensions.conf."""

    ports: Ports
    globals: dict[str, str]
    wideband: int | None = None  # port of the bot's second line
    home: Path = field(init=False)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.home = PBX / "tmp" / f"huifang-{self.ports.sip}"
        for folder in ("etc/huifang", "run", "log", "spool/monitor", "spool/outgoing", "lib"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        self._configure()
        subprocess.run(
            ["chroot", PBX, "chown", "-R", "asterisk:asterisk", self._inside("")], check=True
        )

    def start(self) -> None:
        """Returns when it is fully booted. Raises RuntimeError with its last words."""
        out = (self.home / "asterisk.out").open("wb")
        self._process = subprocess.Popen(
            ["chroot", PBX, "/usr/sbin/asterisk", "-f", "-U", "asterisk", "-G", "asterisk",
             "-C", self._inside("etc/asterisk.conf")],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if "fully booted" in self.cli("core waitfullybooted"):
                return
            time.sleep(0.2)
        raise RuntimeError((self.home / "asterisk.out").read_text(errors="replace")[-2000:])

    def cli(self, command: str) -> str:
        done = subprocess.run(
            ["chroot", PBX, "/usr/sbin/asterisk", "-C", self._inside("etc/asterisk.conf"),
             "-rx", command],
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        return done.stdout

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self.cli("core stop now")
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None
        shutil.rmtree(self.home, ignore_errors=True)

    def log(self) -> str:
        return (self.home / "log" / "full").read_text(errors="replace")

    # -- inside

    def _inside(self, name: str) -> str:
        return f"/tmp/huifang-{self.ports.sip}/{name}"

    def _write(self, name: str, text: str) -> None:
        (self.home / "etc" / name).write_text(text, encoding="utf-8")

    def _configure(self) -> None:
        for file in FILES.glob("*.conf"):
            text = file.read_text(encoding="utf-8")
            text = text.replace("127.0.0.1:5060", f"127.0.0.1:{self.ports.sip}")
            text = text.replace("127.0.0.1:5090", f"127.0.0.1:{self.ports.trunk}")
            text = text.replace("127.0.0.1:9094", f"127.0.0.1:{self.wideband}")
            text = text.replace("secret=CHANGE-ME", f"secret={SECRET}")
            text = text.replace("password=CHANGE-ME", f"password={PASSWORD}")
            self._write(f"huifang/{file.name}", text)
        overrides = "".join(f"{name}={value}\n" for name, value in self.globals.items())
        self._write(
            "extensions.conf",
            "#include huifang/extensions.conf\n"
            f"[globals](+)\n{overrides}"
            f"[from-trunk]\nexten => {NUMBER},1,Goto(huifang-in,s,1)\n"
            "exten => 600,1,Answer()\n same => n,Echo()\n"
            # 803: nothing but media, for figures
            "exten => 803,1,Answer()\n same => n,AudioSocket(${UUID()},${HUIFANG_AUDIO})\n"
            "[from-agents]\nexten => 600,1,Answer()\n same => n,Echo()\n",
        )
        self._write("queues.conf", "[general]\nautofill=yes\n#include huifang/queues.conf\n")
        # on loopback carrier and agents share an address: tell them apart by name first
        order = "[global]\ntype=global\nendpoint_identifier_order=username,ip\n"
        self._write("pjsip.conf", order + "#include huifang/pjsip.conf\n")
        self._write(
            "manager.conf",
            f"[general]\nenabled=yes\nport={self.ports.ami}\nbindaddr=127.0.0.1\n"
            "webenabled=no\ntimestampevents=yes\n#include huifang/manager.conf\n",
        )
        self._write("websocket_client.conf", "#include huifang/websocket_client.conf\n")
        self._write("modules.conf", "[modules]\nautoload=yes\n" + "".join(
            f"noload => {module}.so\n" for module in _NOLOAD
        ))  # fmt: skip
        self._write(
            "logger.conf", "[general]\n[logfiles]\nfull => notice,warning,error,verbose,dtmf\n"
        )
        last = self.ports.rtp + 399
        self._write(
            "rtp.conf", f"[general]\nrtpstart={self.ports.rtp}\nrtpend={last}\nicesupport=no\n"
        )
        self._write(
            "http.conf",
            f"[general]\nenabled=yes\nbindaddr=127.0.0.1\nbindport={self.ports.http}\n",
        )
        self._write(
            "musiconhold.conf",
            "[default]\nmode=files\ndirectory=/usr/share/asterisk/sounds/en\n",
        )
        modules = next(PBX.glob("usr/lib/*/asterisk/modules"))
        self._write(
            "asterisk.conf",
            "[directories]\n"
            f"astetcdir => {self._inside('etc')}\n"
            f"astmoddir => /{modules.relative_to(PBX)}\n"
            "astvarlibdir => /var/lib/asterisk\n"
            f"astdbdir => {self._inside('lib')}\n"
            "astkeydir => /var/lib/asterisk\n"
            "astdatadir => /usr/share/asterisk\n"
            "astagidir => /usr/share/asterisk/agi-bin\n"
            f"astspooldir => {self._inside('spool')}\n"
            f"astrundir => {self._inside('run')}\n"
            f"astlogdir => {self._inside('log')}\n"
            "astsbindir => /usr/sbin\n"
            "[options]\nverbose = 3\nhideconnect = yes\n",
        )
