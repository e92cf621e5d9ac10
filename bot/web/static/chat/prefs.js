// How the page looks: size, elder mode, contrast, reading aloud. Kept in this browser only.

import { byId, say } from "../dom.js";

const KEY = "huifang.prefs";
const SMALLEST = 18;
const LARGEST = 30;
const NORMAL = { size: 20, elder: false, contrast: false, aloud: false };
const ELDER_SIZE = 26;

export class Prefs {
  #now;
  #chosen; // the reader has decided; the server's suggestion no longer counts
  #onAloud;

  constructor(onAloud) {
    this.#onAloud = onAloud;
    const kept = read();
    this.#chosen = kept !== null;
    this.#now = { ...NORMAL, contrast: matchMedia("(prefers-contrast: more)").matches, ...kept };
    byId("elder").onclick = () => this.#elder(!this.#now.elder);
    byId("contrast").onclick = () => this.#set({ contrast: !this.#now.contrast });
    byId("aloud").onclick = () => {
      this.#set({ aloud: !this.#now.aloud });
      this.#onAloud(this.#now.aloud);
    };
    byId("size").oninput = (event) => this.#set({ size: Number(event.target.value) });
    byId("smaller").onclick = () => this.#set({ size: Math.max(SMALLEST, this.#now.size - 2) });
    byId("larger").onclick = () => this.#set({ size: Math.min(LARGEST, this.#now.size + 2) });
    byId("settings").onclick = () => {
      const panel = byId("panel");
      panel.hidden = !panel.hidden;
      byId("settings").setAttribute("aria-expanded", String(!panel.hidden));
    };
    this.#show();
  }

  get elder() {
    return this.#now.elder;
  }

  get aloud() {
    return this.#now.aloud;
  }

  // The policyholder is 60 or older: begin in elder mode unless the reader has chosen otherwise.
  suggestElder() {
    if (this.#chosen || this.#now.elder) return;
    Object.assign(this.#now, { elder: true, size: ELDER_SIZE });
    this.#show();
  }

  #elder(elder) {
    this.#set({ elder, size: elder ? Math.max(ELDER_SIZE, this.#now.size) : NORMAL.size });
  }

  #set(change) {
    Object.assign(this.#now, change);
    this.#chosen = true;
    write(this.#now);
    this.#show();
  }

  #show() {
    const { size, elder, contrast, aloud } = this.#now;
    const root = document.documentElement;
    root.style.setProperty("--size", `${size}px`);
    root.classList.toggle("elder", elder);
    root.classList.toggle("contrast", contrast);
    byId("size").value = size;
    say(byId("size-now"), String(size));
    byId("elder").setAttribute("aria-pressed", String(elder));
    byId("contrast").setAttribute("aria-pressed", String(contrast));
    byId("aloud").setAttribute("aria-pressed", String(aloud));
  }
}

// Storage may be forbidden (private windows, some apps); the page then forgets, nothing worse.
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return kept && Number.isFinite(kept.size) ? kept : null;
  } catch {
    return null;
  }
}

function write(prefs) {
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs));
  } catch {
    // see read()
  }
}
