// Small helpers. Text always goes in as text: nothing here or elsewhere parses markup.

export const byId = (id) => document.getElementById(id);

// make("p", {class: "who", text: "…"}, child, …)
export function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter(Boolean));
  return element;
}

// Change only what differs, so that a live region does not speak twice.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function clockTime(iso) {
  return new Date(iso).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });
}
