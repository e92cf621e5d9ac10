// The page in the policyholder's language. Its own words are Mandarin; a language is a table from
// those to others, sent by the server before anything is shown. Without one, nothing changes.

const ATTRIBUTES = ["aria-label", "placeholder"];
let table = {};
let foreign = false;

// The words in the reader's language, each {} filled with the next value.
export function t(text, ...values) {
  return values.reduce((words, value) => words.replace("{}", () => value), table[text] ?? text);
}

// False where the questions are in a language that the voice does not speak.
export function spoken() {
  return !foreign;
}

export function speakIn(language, words) {
  table = words;
  if (foreign) return; // after a reconnection: what stands in the page now is people's own
  foreign = true;
  document.documentElement.lang = language;
  document.documentElement.classList.add("unspoken");
  document.title = document.title.replace("保单回访", t("保单回访"));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const own = node.data.trim();
    if (Object.hasOwn(table, own)) node.data = node.data.replace(own, table[own]);
  }
  for (const name of ATTRIBUTES) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      element.setAttribute(name, t(element.getAttribute(name)));
    }
  }
}
