// The messages, as an accessible log.

import { clockTime, make } from "../dom.js";
import { t } from "../words.js";

const NAMES = { bot: "智能助手", caller: "我", agent: "人工客服", note: "" };

export class Log {
  #element;
  #onListen;
  #shown = new Map(); // seq -> text

  // onListen(seq, button) is called when a message's read-aloud button is pressed.
  constructor(element, onListen) {
    this.#element = element;
    this.#onListen = onListen;
  }

  get lastSeq() {
    return Math.max(0, ...this.#shown.keys());
  }

  button(seq) {
    return this.#element.querySelector(`[data-seq="${Number(seq)}"] .listen`);
  }

  // After (re)connecting. Only what is new is announced; a history that differs replaces ours.
  replace(messages) {
    const differs = messages.some(({ seq, text }) => this.#shown.has(seq) && this.#shown.get(seq) !== text);
    const fewer = [...this.#shown.keys()].some((seq) => !messages.some((message) => message.seq === seq));
    if (differs || fewer) {
      this.#shown.clear();
      this.#element.replaceChildren();
    }
    return messages.filter((message) => this.add(message));
  }

  // True if it was not there yet.
  add(message) {
    if (this.#shown.has(message.seq)) return false;
    this.#shown.set(message.seq, message.text);
    const follow = nearBottom();
    this.#element.querySelector(".newest")?.classList.remove("newest");
    this.#element.append(this.#bubble(message));
    if (follow || message.who === "caller") this.reveal();
    return true;
  }

  // Bring the last message into view: its beginning, when it is longer than the view.
  reveal() {
    const last = this.#element.lastElementChild;
    const style = getComputedStyle(document.documentElement);
    const room = window.innerHeight - parseFloat(style.scrollPaddingTop) - parseFloat(style.scrollPaddingBottom);
    last?.scrollIntoView({ block: last.offsetHeight > room ? "start" : "end" });
  }

  #bubble({ seq, who, text, at }) {
    const bubble = make("div", { class: `bubble ${who}`, "data-seq": seq });
    const tag = { bot: "AI", agent: "人工" }[who];
    bubble.append(
      make(
        "div",
        { class: "who" },
        tag && make("span", { class: "tag", text: t(tag) }),
        make("span", { text: t(NAMES[who]) }),
        make("time", { datetime: at, text: clockTime(at) }),
      ),
      make("div", { class: "words", text: who === "note" ? t(text) : text }),
    );
    if (who !== "caller") {
      bubble.classList.toggle("newest", who !== "note");
      const listen = make("button", { type: "button", class: "listen", text: "朗读" });
      listen.append(make("span", { class: "hidden", text: `：${text.slice(0, 12)}` }));
      listen.onclick = () => this.#onListen(seq);
      bubble.append(listen);
    }
    return bubble;
  }
}

// Somebody who scrolled up to read again is left there.
function nearBottom() {
  const page = document.documentElement;
  return page.scrollHeight - window.scrollY - window.innerHeight < 160;
}
