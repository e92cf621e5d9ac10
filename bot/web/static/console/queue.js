// Who waits, and what is mine. Waiting times tick; news is told by sound, title and status line.

import { byId, make, say } from "../dom.js";

const LATE_S = 20; // a human is wanted within this time
const TITLE = document.title;

export class Queue {
  #open;
  #take;
  #alert;
  #known = null; // callbacks waiting at the last update; null before the first
  #waiting = [];

  // take(callback), open(callback): what the buttons do; alert(): sound for somebody new.
  constructor({ take, open, alert }) {
    this.#take = take;
    this.#open = open;
    this.#alert = alert;
    byId("next").onclick = () => this.takeNext();
    setInterval(() => this.#tick(), 1000);
  }

  takeNext() {
    if (this.#waiting.length) this.#take(this.#waiting[0].callback);
  }

  show(waiting, mine, current) {
    this.#waiting = waiting;
    const fresh = this.#known && waiting.filter(({ callback }) => !this.#known.has(callback));
    this.#known = new Set(waiting.map(({ callback }) => callback));
    this.#list(byId("waiting"), waiting, "接管", this.#take);
    this.#list(byId("mine"), mine, "打开", this.#open);
    this.mark(current);
    count(byId("waiting-count"), waiting.length);
    byId("mine-count").textContent = mine.length;
    byId("waiting-none").hidden = waiting.length > 0;
    byId("next").disabled = waiting.length === 0;
    document.title = waiting.length ? `（${waiting.length}人等待）${TITLE}` : TITLE;
    if (fresh?.length) {
      this.#alert();
      say(byId("waiting-news"), `新来一位：${fresh[0].who}，${fresh[0].reason}。共 ${waiting.length} 人等待。`);
    }
    this.#tick();
  }

  mark(current) {
    for (const ticket of document.querySelectorAll(".ticket")) {
      const here = ticket.dataset.callback === current;
      ticket.classList.toggle("current", here);
      if (here) ticket.setAttribute("aria-current", "true");
      else ticket.removeAttribute("aria-current");
    }
  }

  // Rebuilding a list must not take the keyboard away from somebody who stands on it.
  #list(list, tickets, verb, act) {
    const focused = list.contains(document.activeElement) && document.activeElement.closest(".ticket").dataset.callback;
    list.replaceChildren(...tickets.map((one) => ticket(one, verb, act)));
    if (!focused) return;
    const button = list.querySelector(`[data-callback="${CSS.escape(focused)}"] button`) ?? list.querySelector("button");
    (button ?? byId("case")).focus();
  }

  #tick() {
    for (const wait of document.querySelectorAll(".wait")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(wait.dataset.since)) / 1000));
      const minutes = String(Math.floor(seconds / 60)).padStart(2, "0");
      wait.textContent = `已等 ${minutes}:${String(seconds % 60).padStart(2, "0")}`;
      wait.classList.toggle("late", seconds > LATE_S && !wait.closest("#mine"));
    }
  }
}

export function badges({ channel, elder, severe, ringing }) {
  return [
    ringing?.length && make("span", { class: "badge here", text: `${ringing.join("、")} 话机响铃` }),
    make("span", { class: "badge", text: channel === "phone" ? "电话" : "网页" }),
    severe && make("span", { class: "badge severe", text: "紧急" }),
    elder && make("span", { class: "badge elder", text: "60岁以上" }),
  ].filter(Boolean);
}

function ticket(one, verb, act) {
  const button = make("button", { type: "button", text: verb, "aria-label": `${verb}${one.who}` });
  button.onclick = () => act(one.callback);
  const kind = one.severe ? "severe" : one.elder ? "elder" : "";
  return make(
    "li",
    { class: `ticket ${kind}`, "data-callback": one.callback },
    make(
      "div",
      { class: "line" },
      make("span", { class: "who", text: one.who }),
      ...badges(one),
      make("span", { class: "wait", "data-since": one.since }),
    ),
    make("p", { class: "why", text: one.reason }),
    button,
  );
}

function count(element, number) {
  element.textContent = number;
  element.classList.toggle("some", number > 0);
}
