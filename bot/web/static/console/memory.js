// What a reload must not lose: the open case and unsent drafts. Kept for this tab only.

const OPEN = "huifang.console.open";
const DRAFT = "huifang.console.draft.";

export const openCase = {
  get: () => get(OPEN),
  set: (callback) => set(OPEN, callback),
};

export const draft = {
  get: (callback) => get(DRAFT + callback),
  set: (callback, text) => set(DRAFT + callback, text),
};

function get(key) {
  try {
    return sessionStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function set(key, value) {
  try {
    if (value) sessionStorage.setItem(key, value);
    else sessionStorage.removeItem(key);
  } catch {
    // storage forbidden: a reload forgets the draft
  }
}
