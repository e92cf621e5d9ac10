// The opaque link token: taken out of the address at once, so that it stays in no history, and
// kept for this tab only, so that reloading works.

const KEY = "huifang.token";

// The token of a link that stands in the address; "" without.
export function linked() {
  return new URLSearchParams(location.hash.slice(1)).get("t") ?? "";
}

export function takeToken() {
  const token = linked();
  if (token) {
    history.replaceState(null, "", location.pathname);
    keep(token);
    return token;
  }
  return kept();
}

function keep(token) {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // storage forbidden: reloading will need the link again
  }
}

function kept() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}
