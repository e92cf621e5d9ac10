// Buttons, digit keys and typing.
//
// Yes and no rest until the next message has stood for a moment, so that a second press of a
// trembling finger cannot answer a question that has just appeared.

import { byId } from "../dom.js";
import { t } from "../words.js";

const GLANCE_MS = 700;
const TYPING_EVERY_MS = 4000;

export class Answers {
  #send;
  #group = byId("answers");
  #text = byId("text");
  #sendButton = document.querySelector(".send");
  #usable = false; // connected, and the chat goes on
  #keys = false; // 1 and 2 answer the open question; else digits are written
  #over = false; // nothing more can be said on this page
  #human = false; // a human owns the conversation or is being fetched
  #resting = false;
  #timer = 0;
  #typed = 0;
  #unconfirmed = new Map(); // mark -> typed text the server has not shown back yet
  #wished = false; // for a human, who is not on record as called

  // send(message) is false when there is no connection.
  constructor(send) {
    this.#send = send;
    this.#group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.#press(button);
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    byId("write").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#write();
    });
    this.#text.addEventListener("input", () => this.#typing());
    this.#show();
  }

  set usable(usable) {
    this.#usable = usable;
    this.#show();
  }

  set keys(keys) {
    this.#keys = keys;
  }

  // A wish for a human is taken without a connection, too: it goes out once there is one.
  set over(over) {
    this.#over = over;
    this.#show();
  }

  set human(human) {
    this.#human = human;
    if (human) this.#wished = false;
    this.#show();
  }

  // A new question or notice stands in the page.
  glance() {
    this.#rest(GLANCE_MS);
  }

  // The server has shown back what was sent under this mark: maybe not letter by letter.
  confirmed(mark) {
    this.#unconfirmed.delete(mark);
  }

  // The connection is back: a wish for a human goes out again by itself. It may have stood in the
  // page already and be lost with the bot that had it: only a human who is called settles it.
  rejoined() {
    this.giveBackUnsent();
    if (this.#wished && this.#usable && !this.#human) this.#send({ type: "press", button: "human" });
  }

  // What never arrived, or was not taken (of all of it: that of one mark), goes back into the field,
  // to be sent on purpose.
  giveBackUnsent(mark) {
    const back = [...this.#unconfirmed.keys()].filter((one) => mark === undefined || one === mark);
    const texts = [...back.map((one) => this.#unconfirmed.get(one)), this.#text.value.trim()];
    if (back.length) this.#text.value = texts.filter(Boolean).join(" ");
    back.forEach((one) => this.#unconfirmed.delete(one));
  }

  #press(button) {
    if (button.getAttribute("aria-disabled") === "true") return;
    this.#sent({ type: "press", button: button.dataset.button }, button);
  }

  // 1, 2 and 9 only while the log or the buttons have the focus: a single-key shortcut must not be
  // everywhere. A human is had from everywhere, but not by the 0 of a number that is being written.
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input")) return;
    const near = this.#group.contains(event.target) || byId("log").contains(event.target);
    if (near && event.repeat) return hold(event);
    const human = event.key === "0" && !this.#text.value && !this.#human;
    if (/^[0-9]$/.test(event.key) && !human && (this.#text.value || !this.#keys || this.#human)) {
      this.#text.focus(); // the digit goes where the focus is by now
      return;
    }
    const button = (near || human) && this.#group.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    event.preventDefault();
    this.#sent({ type: "key", digit: event.key }, button);
  }

  #sent(message, button) {
    const human = button.dataset.button === "human";
    this.#wished ||= human;
    if (this.#send(message) && !human) this.#rest(4 * GLANCE_MS);
  }

  #write() {
    const text = this.#text.value.trim();
    const mark = crypto.getRandomValues(new Uint32Array(2)).join("-");
    if (!text || !this.#usable || !this.#send({ type: "text", text, mark })) return;
    this.#unconfirmed.set(mark, text);
    this.#text.value = "";
  }

  #typing() {
    const now = Date.now();
    if (now - this.#typed < TYPING_EVERY_MS) return;
    this.#typed = now;
    this.#send({ type: "typing" });
  }

  #rest(ms) {
    clearTimeout(this.#timer);
    this.#resting = true;
    this.#timer = setTimeout(() => {
      this.#resting = false;
      this.#show();
    }, ms);
    this.#show();
  }

  #show() {
    for (const button of this.#group.querySelectorAll("button")) {
      const human = button.dataset.button === "human";
      const off = human ? this.#over || this.#human : !this.#usable || this.#resting;
      button.setAttribute("aria-disabled", String(off));
      if (human) button.querySelector("span").textContent = t(this.#human ? "已转人工" : "转人工");
    }
    this.#sendButton.setAttribute("aria-disabled", String(!this.#usable));
  }
}

// A key that stays down would answer one question after the other: each wants a press of its own.
// What scrolls may repeat.
function hold(event) {
  if (event.key === "Enter" || /^[0-9*]$/.test(event.key)) event.preventDefault();
}
