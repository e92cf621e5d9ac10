// Two short tones when somebody new waits. Browsers allow sound only after a first key or click.

import { byId } from "../dom.js";

export class Chime {
  #context = null;
  #on = true;

  constructor() {
    const wake = () => {
      this.#context ??= new AudioContext();
      this.#context.resume();
    };
    for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, wake, { once: true });
    byId("sound").onclick = () => {
      this.#on = !this.#on;
      byId("sound").setAttribute("aria-pressed", String(this.#on));
    };
  }

  ring() {
    if (!this.#on || this.#context?.state !== "running") return;
    this.#tone(660, 0);
    this.#tone(880, 0.18);
  }

  #tone(hertz, after) {
    const start = this.#context.currentTime + after;
    const gain = new GainNode(this.#context, { gain: 0 });
    gain.gain.setTargetAtTime(0.2, start, 0.01);
    gain.gain.setTargetAtTime(0, start + 0.12, 0.03);
    const tone = new OscillatorNode(this.#context, { frequency: hertz });
    tone.connect(gain).connect(this.#context.destination);
    tone.start(start);
    tone.stop(start + 0.4);
  }
}
