// Read-aloud: the server speaks the words of one message as WAV, one at a time.

const READY = "朗读";
const WAITING = "准备中…";
const PLAYING = "停止朗读";

export class Reading {
  #ask;
  #buttonOf;
  #tell;
  #audio = new Audio();
  #url = "";
  #seq = 0; // the message being fetched or played
  #fetching = false;
  #queue = [];

  // ask(seq) requests the sound; buttonOf(seq) is its button; tell(text) shows a notice.
  constructor({ ask, buttonOf, tell }) {
    this.#ask = ask;
    this.#buttonOf = buttonOf;
    this.#tell = tell;
    this.#audio.onended = () => this.#done();
    this.#audio.onerror = () => this.#url && this.mute(this.#seq, "这段语音无法播放，请直接阅读文字。");
  }

  // A press on a message's button: read it, or stop.
  toggle(seq) {
    const again = seq === this.#seq;
    this.#queue = [];
    this.#silence();
    if (!again) this.#fetch(seq);
  }

  // Automatic reading of what arrives.
  enqueue(seq) {
    if (this.#seq) this.#queue.push(seq);
    else this.#fetch(seq);
  }

  stop() {
    this.#queue = [];
    this.#silence();
  }

  // The server's answer: message number (4 bytes, big-endian), then the WAV file.
  async play(buffer) {
    const seq = new DataView(buffer).getUint32(0);
    this.#fetching = false;
    if (seq !== this.#seq) {
      this.#retry();
      return;
    }
    this.#url = URL.createObjectURL(new Blob([buffer.slice(4)], { type: "audio/wav" }));
    this.#audio.src = this.#url;
    this.#mark(PLAYING);
    try {
      await this.#audio.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.mute(seq, "浏览器不允许自动播放声音，请按消息下方的“朗读”。");
    }
  }

  // There will be no sound for this message.
  mute(seq, text) {
    this.#fetching = false;
    if (seq === this.#seq) {
      this.#tell(text);
      this.#done();
    } else {
      this.#retry();
    }
  }

  // The connection broke: nothing asked for will come.
  reset() {
    this.#fetching = false;
    this.stop();
  }

  #fetch(seq) {
    this.#seq = seq;
    this.#mark(WAITING);
    if (!this.#fetching) this.#request();
  }

  // An answer for a message nobody waits for any more has made room for the one we want.
  #retry() {
    if (this.#seq && !this.#url) this.#request();
  }

  #request() {
    if (this.#ask(this.#seq)) this.#fetching = true;
    else this.mute(this.#seq, "连接已断开，暂时无法朗读。");
  }

  #done() {
    this.#silence();
    const next = this.#queue.shift();
    if (next !== undefined) this.#fetch(next);
  }

  #silence() {
    this.#audio.pause();
    if (this.#url) {
      URL.revokeObjectURL(this.#url);
      this.#url = "";
    }
    this.#mark(READY);
    this.#seq = 0;
  }

  #mark(label) {
    const button = this.#seq && this.#buttonOf(this.#seq);
    if (button) button.firstChild.data = label;
  }
}
