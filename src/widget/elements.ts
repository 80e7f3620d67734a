/** What stands in an element; what is false or undefined is left out. Texts are texts, never markup. */
export type Child = Node | string | false | undefined

type Attributes = Record<string, string | boolean | undefined>

/** An element with attributes and children; `true` is an attribute without a value. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value)
  }
  made.append(...children.filter((child) => child !== false && child !== undefined))
  return made
}

/** A button that submits nothing. */
export function button(label: string, look: "primary" | "secondary" | "plain", onClick: () => void): HTMLButtonElement {
  const made = element("button", { type: "button", class: `button ${look}` }, label)
  made.addEventListener("click", onClick)
  return made
}

/** A link to a page elsewhere, which opens beside this one and learns nothing of it. */
export function outwardLink(label: string, href: string, hint: string, look: "primary" | "secondary" = "secondary"): HTMLAnchorElement {
  const quiet = element("span", { class: "unseen" }, ` (${hint})`)
  return element("a", { class: `button ${look}`, href, target: "_blank", rel: "noopener noreferrer" }, label, quiet, icon("out"))
}

const shapes = {
  check: "M4 10.5l4 4 8-9",
  wait: "M10 5v5l3 2M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15z",
  copy: "M7.5 7.5h9v9h-9zM12.5 7.5v-4h-9v9h4",
  close: "M5 5l10 10M15 5L5 15",
  out: "M8 5H4.5v10.5H15V12M11.5 4.5H15.500V8.500M15 5l-6 6",
  warn: "M10 3l7.5 13.5h-15zM10 8v4M10 14.2v.3",
}

/** A drawing of 20 by 20 that says nothing to screen readers. */
export function icon(name: keyof typeof shapes): SVGSVGElement {
  const namespace = "http://www.w3.org/2000/svg"
  const svg = document.createElementNS(namespace, "svg")
  const path = document.createElementNS(namespace, "path")
  svg.setAttribute("viewBox", "0 0 20 20")
  svg.setAttribute("class", "icon")
  svg.setAttribute("aria-hidden", "true")
  path.setAttribute("d", shapes[name])
  svg.append(path)
  return svg
}
