// The console: connects the parts. Commands are cleared from the screen only when the server says
// they are done; whatever it shows is read anew from there.

import { Connection } from "../connection.js";
import { byId, say } from "../dom.js";
import { CaseView } from "./case.js";
import { Chime } from "./chime.js";
import { draft, openCase } from "./memory.js";
import { Queue } from "./queue.js";

const chime = new Chime();
const view = new CaseView();
const text = byId("text");
const send = (message) => connection.send(message, { replied: true }) || (fault("连接已断开，请稍候再试。"), false);
const queue = new Queue({
  take: (callback) => send({ type: "take", callback }),
  open: (callback) => send({ type: "look", callback }),
  alert: () => chime.ring(),
});
let sending = "";
let me = ""; // as the telephone queue knows me, too

function fault(message) {
  byId("fault").textContent = message;
  if (byId("open").hidden) say(byId("connection"), message);
}

function close(callback) {
  if (callback !== view.callback) return;
  view.clear();
  openCase.set("");
  queue.mark(null);
  byId("case").focus();
}

const on = {
  you({ agent }) {
    connection.accepted();
    me = agent;
    say(byId("you"), `坐席：${agent}`);
  },
  queue({ waiting, mine }) {
    queue.show(waiting, mine, view.callback);
    // My telephone rings: the conversation is on the screen before I pick up.
    const ringing = waiting.find((one) => one.ringing.includes(me));
    if (ringing && ringing.callback !== view.callback && !text.value) {
      send({ type: "look", callback: ringing.callback });
    }
  },
  case({ case: one }) {
    const { callback } = one.summary;
    const changed = callback !== view.callback;
    view.show(one);
    openCase.set(callback);
    if (changed) {
      fault("");
      text.value = draft.get(callback);
      queue.mark(callback);
      (view.phone ? byId("case") : text).focus();
    }
  },
  done({ of, callback }) {
    fault("");
    if (of === "say") sent(callback);
    if (of === "give_back" || of === "end") {
      draft.set(callback, "");
      close(callback);
    }
  },
  error({ of, text: message }) {
    byId("send").disabled = view.phone;
    fault(message);
    if (of === "look") openCase.set("");
  },
  gone({ callback }) {
    close(callback);
    say(byId("connection"), "这次回访已不在您名下。");
  },
};

function sent(callback) {
  byId("send").disabled = view.phone;
  if (draft.get(callback) === sending) draft.set(callback, "");
  if (callback === view.callback && text.value === sending) text.value = "";
}

function write(event) {
  event?.preventDefault();
  if (!view.callback || view.phone || byId("send").disabled || !text.value.trim()) return;
  sending = text.value;
  if (send({ type: "say", callback: view.callback, text: sending })) byId("send").disabled = true;
}

function ask(question, command) {
  const { callback } = view;
  if (!callback) return;
  byId("confirm-text").textContent = question;
  const dialog = byId("confirm");
  dialog.returnValue = "";
  dialog.onclose = () => dialog.returnValue === "yes" && send({ type: command, callback });
  dialog.showModal();
}

const giveBack = () => view.phone || ask("交还后，智能助手会从第一个未答事项继续。确定交还吗？", "give_back");
const end = () => ask("结束后，客户将不能再在本次对话中回复。确定结束这次回访吗？", "end");

byId("write").addEventListener("submit", write);
text.addEventListener("input", () => view.callback && draft.set(view.callback, text.value));
byId("give-back").onclick = giveBack;
byId("end").onclick = end;
addEventListener("keydown", (event) => {
  const key = event.ctrlKey && event.key === "Enter" ? "Ctrl+Enter" : event.key;
  const act = { F2: () => queue.takeNext(), F4: () => text.focus(), F8: giveBack, F9: end, "Ctrl+Enter": write }[key];
  if (!act || byId("confirm").open) return;
  event.preventDefault();
  act();
});

const scheme = location.protocol === "https:" ? "wss" : "ws";
const connection = new Connection(`${scheme}://${location.host}/console/ws`, {
  open() {
    say(byId("connection"), "");
    byId("send").disabled = view.phone;
    const callback = openCase.get();
    if (callback) connection.send({ type: "look", callback });
  },
  text: (message) => on[message.type]?.(message),
  binary() {},
  away() {
    say(byId("connection"), "与服务器的连接已断开，正在重新连接……未发送的文字已保留。如长时间未恢复，请刷新页面重新登录。");
  },
});
