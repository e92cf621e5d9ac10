"""SIP telephones in one process of their own (pjsua2): policyholders, the carrier, agents.

Takes one JSON command a line on stdin, writes one JSON event a line on stdout. Its event loop
polls, as pjsua2 wants it; everything is done on its main thread.

    {"do": "register", "phone": "agent1", "password": …}      events: registered
    {"do": "call", "phone": "13800001002", "id": "c1", "to": "95500", "echo": 0.0}
    {"do": "rule", "number": "13900000001", "code": 200, "after_s": 0.5, "early": false, "wav": …}
    {"do": "play", "id": "c1", "wav": …}   {"do": "dtmf", "id": "c1", "digits": "0"}
    {"do": "hangup", "id": "c1"}   {"do": "quit"}
events: incoming (id, phone, number), ringing, answered, media, played, digit, ended (id, code)
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import threading
import time
from pathlib import Path

import pjsua2 as pj

MAX_CALLS = 30
EVENTS = os.fdopen(os.dup(1), "w")  # stdout itself is pjsip's, for its log
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def tell(event: str, **more: object) -> None:
    print(json.dumps({"event": event, "at": time.monotonic(), **more}), file=EVENTS, flush=True)


class Player(pj.AudioMediaPlayer):
    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call

    def onEof2(self) -> None:
        tell("played", id=self.call.name)


class Call(pj.Call):
    """One call; what it hears goes to `{folder}/{name}.wav`, 16-bit 8 kHz."""

    def __init__(self, phones: Phones, account: Account, name: str, id: int = pj.PJSUA_INVALID_ID):
        super().__init__(account, id)
        self.phones, self.name, self.account = phones, name, account
        self.media: pj.AudioMedia | None = None
        self.recorder: pj.AudioMediaRecorder | None = None
        self.players: list[Player] = []
        self.echo = 0.0  # so much of what it hears goes back, as from a hybrid

    def onCallState(self, prm: pj.OnCallStateParam) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY:
            tell("ringing", id=self.name, code=info.lastStatusCode)
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            tell("answered", id=self.name)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            tell("ended", id=self.name, code=info.lastStatusCode, reason=info.lastReason)
            self.phones.over.append(self)

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:
        info = self.getInfo()  # a name of its own: `media` dies with it
        for index, media in enumerate(info.media):
            active = media.status == pj.PJSUA_CALL_MEDIA_ACTIVE
            if media.type == pj.PJMEDIA_TYPE_AUDIO and active:
                # Each time: negotiated anew, a call's sound is in another place of the bridge.
                self.media = self.getAudioMedia(index)
                if self.recorder is None:
                    self.recorder = pj.AudioMediaRecorder()
                    self.recorder.createRecorder(str(self.phones.folder / f"{self.name}.wav"))
                    tell("media", id=self.name)
                self.media.startTransmit(self.recorder)
                if self.echo:
                    level = pj.AudioMediaTransmitParam()
                    level.level = self.echo
                    self.media.startTransmit2(self.media, level)

    def onDtmfDigit(self, prm: pj.OnDtmfDigitParam) -> None:
        tell("digit", id=self.name, digit=prm.digit)

    def play(self, wav: str) -> None:
        if self.media is None:
            return
        player = Player(self)
        player.createPlayer(wav, pj.PJMEDIA_FILE_NO_LOOP)
        player.startTransmit(self.media)
        self.players.append(player)


class Account(pj.Account):
    def __init__(self, phones: Phones, name: str) -> None:
        super().__init__()
        self.phones, self.name = phones, name

    def onRegState(self, prm: pj.OnRegStateParam) -> None:
        tell("registered", phone=self.name, code=prm.code)

    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:
        self.phones.incoming(self, prm.callId)


class Phones:
    def __init__(self, port: int, pbx: str, folder: Path) -> None:
        self.pbx, self.folder = pbx, folder
        self.calls: dict[str, Call] = {}
        self.accounts: dict[str, Account] = {}
        self.rules: dict[str, dict] = {}
        self.later: list[tuple[float, Call, int]] = []
        self.over: list[Call] = []
        self.count = 0
        self.end = pj.Endpoint()
        self.end.libCreate()
        config = pj.EpConfig()
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.uaConfig.threadCnt, config.uaConfig.mainThreadOnly = 0, True
        config.uaConfig.maxCalls = MAX_CALLS
        config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
        config.medConfig.noVad, config.medConfig.ecTailLen = True, 0
        self.end.libInit(config)
        transport = pj.TransportConfig()
        transport.port = port
        transport.boundAddress = transport.publicAddress = "127.0.0.1"
        self.end.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.end.libStart()
        for codec in self.end.codecEnum2():
            if not codec.codecId.startswith("PCMA"):
                self.end.codecSetPriority(codec.codecId, 0)
        self.end.audDevManager().setNullDev()
        self.port = port
        self.carrier = self.account("carrier")

    def account(self, name: str, password: str = "") -> Account:
        config = pj.AccountConfig()
        media = config.mediaConfig.transportConfig
        media.boundAddress = media.publicAddress = "127.0.0.1"
        config.idUri = f"sip:{name}@127.0.0.1:{self.port}"
        if password:
            config.idUri = f"sip:{name}@{self.pbx}"
            config.regConfig.registrarUri = f"sip:{self.pbx}"
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", name, 0, password))
        account = Account(self, name)
        account.create(config)
        self.accounts[name] = account
        return account

    def incoming(self, account: Account, id: int) -> None:
        self.count += 1
        call = Call(self, account, f"in{self.count}", id)
        self.calls[call.name] = call
        number = call.getInfo().localUri.partition("sip:")[2].partition("@")[0]
        rule = self.rules.get(number) or self.rules.get(account.name) or {"code": 404}
        tell("incoming", id=call.name, phone=account.name, number=number,
             caller=call.getInfo().remoteUri)  # fmt: skip
        if rule["code"] == 0:  # rings for ever
            self.answer(call, 180)
            return
        self.answer(call, 183 if rule.get("early") else 180 if rule["code"] == 200 else 100)
        self.later.append((time.monotonic() + rule.get("after_s", 0.2), call, rule["code"]))
        call.wav = rule.get("wav")  # type: ignore[attr-defined]

    def answer(self, call: Call, code: int) -> None:
        answer = pj.CallOpParam()
        answer.statusCode = code
        try:
            call.answer(answer)
        except pj.Error as error:  # the caller was quicker, or another telephone
            tell("error", what=str(error))

    def step(self) -> None:
        self.end.libHandleEvents(10)
        now = time.monotonic()
        for due in [one for one in self.later if one[0] <= now]:
            self.later.remove(due)
            _, call, code = due
            if call in self.over:
                continue
            self.answer(call, code)
        for call in list(self.calls.values()):
            wav = getattr(call, "wav", None)
            if wav and call.media is not None:
                call.wav = None  # type: ignore[attr-defined]
                call.play(wav)
        for call in self.over:
            call.players.clear()
            call.recorder = None
            self.calls.pop(call.name, None)
        self.over.clear()

    def do(self, command: dict) -> bool:
        call = self.calls.get(command.get("id", ""))
        match command["do"]:
            case "register":
                self.account(command["phone"], command["password"])
            case "rule":
                self.rules[command["number"]] = command
            case "call":
                name = command["phone"]
                account = self.accounts.get(name) or self.account(name)
                call = Call(self, account, command["id"])
                call.echo = command["echo"]
                self.calls[call.name] = call
                options = pj.CallOpParam(True)
                options.opt.audioCount, options.opt.videoCount = 1, 0
                call.makeCall(f"sip:{command['to']}@{self.pbx}", options)
            case "play" if call:
                call.play(command["wav"])
            case "dtmf" if call:
                call.dialDtmf(command["digits"])
            case "hangup" if call:
                call.hangup(pj.CallOpParam())
            case "quit":
                return False
        return True

    def close(self) -> None:
        self.end.hangupAllCalls()
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            self.step()
        for call in self.calls.values():
            call.players.clear()
            call.recorder = None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pbx", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    commands: queue.Queue[dict] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            commands.put(json.loads(line))
        commands.put({"do": "quit"})

    threading.Thread(target=read, daemon=True).start()
    phones = Phones(given.port, given.pbx, given.folder)
    tell("ready")
    going = True
    while going:
        phones.step()
        while going and not commands.empty():
            try:
                going = phones.do(commands.get())
            except pj.Error as error:
                tell("error", what=str(error))
    phones.close()
    os._exit(0)  # pjsua2's objects die in no safe order


if __name__ == "__main__":
    main()
