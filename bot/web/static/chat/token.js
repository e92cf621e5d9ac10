// The opaque link token: taken out of the address at once, so that it stays in no history, and
// kept for this tab only, so that reloading works.

const KEY = "huifang.token";
const BROWSER = "huifang.browser";

// The token of a link that stands in the address; "" without.
export function linked() {
  return new URLSearchParams(location.hash.slice(1)).get("t") ?? "";
}

export function takeToken() {
  const token = linked();
  if (token) {
    history.replaceState(null, "", location.pathname);
    keep("sessionStorage", KEY, token);
    return token;
  }
  return kept("sessionStorage", KEY);
}

// Tells this browser from another that has the same link: there, identity is proven anew.
export function browserSecret() {
  const known = kept("localStorage", BROWSER);
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  keep("localStorage", BROWSER, made);
  return made;
}

// Where storage is forbidden, reloading needs the link again and counts as another browser.
function keep(storage, key, value) {
  try {
    window[storage].setItem(key, value);
  } catch {
    // see above
  }
}

function kept(storage, key) {
  try {
    return window[storage].getItem(key) ?? "";
  } catch {
    return "";
  }
}
