// A WebSocket that comes back by itself: longer pauses each time, at once when the network returns.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

export class Connection {
  #path;
  #on;
  #socket = null;
  #pause = FIRST_PAUSE_MS;
  #timer = 0;
  #wanted = true;

  // on: {open(), text(object), binary(ArrayBuffer), away()}
  constructor(path, on) {
    this.#path = path;
    this.#on = on;
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
    this.#connect();
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  send(message) {
    if (!this.open) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  // Stay away until `resume`.
  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  resume() {
    this.#wanted = true;
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.#path);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => this.#on.open();
    socket.onmessage = ({ data }) => {
      this.#pause = FIRST_PAUSE_MS;
      if (typeof data === "string") this.#on.text(JSON.parse(data));
      else this.#on.binary(data);
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#on.away();
      if (!this.#wanted) return;
      this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.75 + Math.random() / 2));
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    };
  }

  #hurry() {
    if (this.#wanted && this.#socket?.readyState === WebSocket.CLOSED) this.#connect();
  }
}
