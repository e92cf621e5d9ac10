// One case: the conversation so far, who the policyholder is, what is answered and what is open.

import { byId, clockTime, make, say } from "../dom.js";
import { badges } from "./queue.js";

const WHO = { bot: "智能助手", caller: "客户", agent: "人工客服", note: "" };
const IDENTITY = { verified: "已核实", unverified: "尚未核实，请先核实身份再谈保单内容", failed: "核实未通过，不得透露保单内容" };
const ANSWER = { yes: "是／清楚", no: "不是／不清楚", unclear: "未答清楚" };

export class CaseView {
  #case = null;
  #entries = []; // as JSON, to see what is new

  get callback() {
    return this.#case?.summary.callback ?? null;
  }

  get phone() {
    return this.#case?.summary.channel === "phone";
  }

  show(one) {
    const same = this.callback === one.summary.callback;
    this.#case = one;
    byId("no-case").hidden = true;
    byId("open").hidden = byId("context").hidden = false;
    const { who, reason, channel } = one.summary;
    say(byId("who"), who);
    const here = make("span", { class: one.present ? "badge here" : "badge", text: presence(one) });
    byId("badges").replaceChildren(...[...badges(one.summary), here].map((badge) => make("li", {}, badge)));
    say(byId("reason"), `转人工原因：${reason}`);
    byId("text").disabled = byId("send").disabled = byId("give-back").disabled = channel === "phone";
    say(byId("text-label"), channel === "phone" ? "电话回访：请在话机上与客户通话" : "写给客户");
    this.#context(one);
    this.#transcript(one.transcript, same);
  }

  clear() {
    this.#case = null;
    this.#entries = [];
    byId("open").hidden = byId("context").hidden = true;
    byId("no-case").hidden = false;
    byId("log").replaceChildren();
  }

  #context({ identity, policy, answered, open_items: open }) {
    const state = byId("identity");
    say(state, IDENTITY[identity]);
    state.className = `identity ${identity}`;
    byId("policy").replaceChildren(
      ...policy.flatMap(({ label, value }) => [make("dt", { text: label }), make("dd", { text: value })]),
    );
    byId("open-count").textContent = open.length;
    byId("open-items").replaceChildren(
      ...open.map(({ label, value }, index) =>
        make(
          "li",
          { class: index ? "item" : "item here" },
          make("p", { class: "id", text: index ? label : `${label}　从这里继续` }),
          make("p", { text: value }),
        ),
      ),
    );
    byId("answered-count").textContent = answered.length;
    byId("answered").replaceChildren(...answered.map(answeredItem));
  }

  // Append what is new, so that a screen reader hears only that.
  #transcript(entries, same) {
    const log = byId("log");
    const wanted = entries.map((entry) => JSON.stringify(entry));
    const kept = same && this.#entries.every((entry, index) => entry === wanted[index]);
    if (!kept) log.replaceChildren();
    const fresh = kept ? entries.slice(this.#entries.length) : entries;
    this.#entries = wanted;
    if (!fresh.length) return;
    log.append(...fresh.map(line));
    log.scrollTop = log.scrollHeight;
  }
}

function presence({ summary, present }) {
  if (summary.channel === "phone") return present ? "通话中" : "是否仍在通话，请看话机";
  return present ? "客户在线" : "客户已离开页面";
}

function line({ who, text, at, clause }) {
  const meta = [WHO[who], clause, clockTime(at)].filter(Boolean).join(" · ");
  return make(
    "div",
    { class: `entry ${who}` },
    make("p", { class: "meta", text: meta }),
    make("p", { class: "words", text }),
  );
}

function answeredItem({ item, text, answer, as_expected: expected, heard }) {
  const result = expected ? `✓ ${ANSWER[answer]}` : `⚠ ${ANSWER[answer]}（与预期不同）`;
  return make(
    "li",
    { class: "item" },
    make("p", {}, make("span", { class: "id", text: `${item}　` }), make("span", { class: `result ${expected ? "good" : "odd"}`, text: result })),
    make("p", { text }),
    heard && make("p", { class: "heard", text: `原话：“${heard}”` }),
  );
}
