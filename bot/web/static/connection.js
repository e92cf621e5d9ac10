// A WebSocket that comes back by itself: longer pauses each time, at once when the network returns or
// somebody wants to say something.
// Whether the server lets the page in is told by what it says, not by its taking the connection.
// A telephone that slept or changed networks may hold a dead one that still says it is open: what
// gets no reply in time is taken for that.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000; // somebody may wait for a human
const REPLY_MS = 6000;

export class Connection {
  #path;
  #on;
  #socket = null;
  #pause = FIRST_PAUSE_MS;
  #failures = 0; // connections lost since the server last let us in
  #timer = 0;
  #waiting = 0;
  #wanted = true;

  // on: {open(), text(object), binary(ArrayBuffer), away(failures)}
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

  // replied: the server answers this message at once, with whatever.
  send(message, { replied = false } = {}) {
    if (!this.open) {
      if (replied) this.#hurry();
      return false;
    }
    this.#socket.send(JSON.stringify(message));
    if (replied) this.#waiting ||= setTimeout(() => this.#renew(), REPLY_MS);
    return true;
  }

  // The server has let us in: the next pause is short again.
  accepted() {
    this.#pause = FIRST_PAUSE_MS;
    this.#failures = 0;
  }

  // Stay away until `resume`.
  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#alive();
    this.#socket?.close();
  }

  resume() {
    this.#wanted = true;
    this.accepted();
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#alive();
    const socket = new WebSocket(this.#path);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => socket === this.#socket && this.#on.open();
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#alive();
      if (typeof data === "string") this.#on.text(JSON.parse(data));
      else this.#on.binary(data);
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#failures += 1;
      this.#on.away(this.#failures);
      if (!this.#wanted) return;
      this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.75 + Math.random() / 2));
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    };
  }

  #alive() {
    clearTimeout(this.#waiting);
    this.#waiting = 0;
  }

  #renew() {
    const dead = this.#socket;
    this.#on.away(this.#failures);
    this.#connect();
    dead.close();
  }

  #hurry() {
    if (this.#wanted && this.#socket?.readyState === WebSocket.CLOSED) this.#connect();
  }
}
