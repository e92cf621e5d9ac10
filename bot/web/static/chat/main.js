// The chat page: connects the parts. What the server says is a map of type to meaning, `on`.

import { Connection } from "../connection.js";
import { byId, say } from "../dom.js";
import { speakIn, spoken, t } from "../words.js";
import { Answers } from "./answers.js";
import { Log } from "./log.js";
import { Prefs } from "./prefs.js";
import { Reading } from "./reading.js";
import { browserSecret, linked, takeToken } from "./token.js";

const NOTICE_MS = 8000;
const OUTAGE = 4; // failures in a row, after about 3.5 s: more than a change of networks
const UNREACHABLE =
  "暂时连接不上，可能是网络不稳定或使用人数较多。本页会继续尝试，您已作的回答都已保存。着急办理请拨打客服热线 {}。";
const hotline = byId("hotline").dataset.hotline;
const token = takeToken();
const browser = browserSecret();
let connection = null;
let noticeTimer = 0;
let ended = false;
let refused = ""; // why the server does not let us in for now

const send = (message) => connection?.send(message) ?? false;

function notice(text) {
  clearTimeout(noticeTimer);
  say(byId("notice"), text);
  noticeTimer = setTimeout(() => say(byId("notice"), ""), NOTICE_MS);
}

const log = new Log(byId("log"), (seq) => reading.toggle(seq));
const prefs = new Prefs((aloud) => aloud || reading.stop());
const answers = new Answers((message) => {
  const said = message.type !== "typing";
  if (said) reading.stop(); // who has answered need not hear the question to its end
  const sent = connection?.send(message, { replied: said }) ?? false;
  if (!sent && message.button === "human") say(byId("connection"), t(UNREACHABLE, hotline));
  return sent;
});
const reading = new Reading({
  ask: (seq) => send({ type: "speak", seq, slow: prefs.elder }),
  buttonOf: (seq) => log.button(seq),
  tell: notice,
});

function standing({ owner, agent, item, items, keys, elder, ended: over }) {
  ended = over;
  answers.usable = connection.open && !over;
  answers.over = over;
  answers.keys = keys;
  answers.human = owner !== "bot";
  if (elder) prefs.suggestElder();
  byId("progress-bar").hidden = !item;
  if (item) {
    say(byId("progress-text"), t("第\u00a0{}\u00a0项，共\u00a0{}\u00a0项", item, items));
    Object.assign(byId("progress-bar"), { max: items, value: item });
  }
  say(byId("owner"), over ? t("本次回访对话已结束，感谢您的配合。您可以关闭本页面。") : ownerText(owner, agent));
}

function ownerText(owner, agent) {
  if (owner === "queue") return t("正在为您转接人工客服，请稍候。您的回答都已保存。也可拨打 {}。", hotline);
  if (owner === "human") return t("人工客服{}正在为您服务", agent ? ` ${agent} ` : "");
  return "";
}

const on = {
  language({ language, words }) {
    speakIn(language, words);
  },
  history(message) {
    connection.accepted();
    refused = "";
    say(byId("connection"), "");
    byId("resume").hidden = true;
    const fresh = log.replace(message.messages);
    fresh.filter(({ who }) => who === "caller").forEach(({ mark }) => answers.confirmed(mark));
    standing(message.standing);
    answers.rejoined();
    if (fresh.length) log.reveal();
    arrived();
  },
  message({ message }) {
    log.add(message);
    if (message.who === "caller") {
      answers.confirmed(message.mark);
      return;
    }
    answers.glance();
    if (prefs.aloud && spoken()) reading.enqueue(message.seq);
    arrived();
  },
  standing(message) {
    standing(message.standing);
  },
  notice({ text, mark }) {
    answers.giveBackUnsent(mark);
    notice(t(text));
  },
  mute({ seq, text }) {
    reading.mute(seq, text);
  },
  moved() {
    stop(t("您已在另一个窗口打开本次回访。"));
    byId("resume").hidden = false;
  },
  refused({ text, retry }) {
    refused = [t(text), t("如需帮助，请拨打客服热线 {}。", hotline)].join(" ");
    if (retry) say(byId("connection"), refused);
    else stop(refused);
  },
};

// The server counts a message as said only now that it stands in the page.
function arrived() {
  send({ type: "shown", seq: log.lastSeq });
}

function stop(text) {
  answers.usable = false;
  answers.over = true;
  connection.stop();
  say(byId("connection"), text);
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  connection = new Connection(`${scheme}://${location.host}/chat/ws`, {
    open: () => send({ type: "hello", token, browser }),
    text: (message) => on[message.type]?.(message),
    binary: (buffer) => reading.play(buffer),
    away(failures) {
      answers.usable = false;
      reading.reset();
      if (ended || refused) return;
      if (failures >= OUTAGE) {
        say(byId("connection"), t(UNREACHABLE, hotline));
      } else if (!byId("connection").textContent) {
        say(byId("connection"), t("连接已断开，正在重新连接……您已作的回答都已保存。"));
      }
    },
  });
}

byId("resume").onclick = () => {
  byId("resume").hidden = true;
  answers.over = false;
  say(byId("connection"), t("正在重新连接……"));
  connection.resume();
};

// Nothing in focus and no new message may hide behind what sticks to the edges. On low screens
// that is only a part of it (the wrapper then has no box); heights change with letters and banners.
function measure() {
  for (const [edge, whole, part] of [["--head", "status", "label"], ["--foot", "dock", "foot"]]) {
    const height = byId(whole).offsetHeight || byId(part).offsetHeight;
    document.documentElement.style.setProperty(edge, `${height}px`);
  }
}
const resized = new ResizeObserver(measure);
for (const id of ["status", "label", "dock", "foot"]) resized.observe(byId(id));

// Another link opened in this tab changes only the address behind the #.
addEventListener("hashchange", () => linked() && location.reload());

if (token) {
  say(byId("connection"), "正在连接……");
  connect();
} else {
  say(byId("connection"), `请从短信或保险公司 App 中的回访链接打开本页面，或拨打客服热线 ${hotline}。`);
}
