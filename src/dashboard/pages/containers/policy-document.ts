type Create = (tag: string, options?: ElementCreationOptions) => HTMLElement

/** Makes elements as the document does; style sheets among them have the nonce of the page's policy. */
const create: Create = (tag, options) => {
  const element = Document.prototype.createElement.call(document, tag, options)
  if (tag === "style") element.nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? ""
  return element
}

/** Sets an attribute of styles as a property, which no policy concerns; to the same effect. */
function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === "style") this.style.cssText = value
  else Element.prototype.setAttribute.call(this, name, value)
}

/** The document for a library that takes one of its own (xterm's `documentOverride`). */
export const documentForPolicy = (): Document =>
  new Proxy(document, {
    get(target, name) {
      if (name === "createElement") return create
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })

/**
 * Runs `work` while the page's own document makes such elements too, and lets spans be coloured from then on: whatever document it was given, xterm 6.0.0
 * asks the page's own for the style sheet of its scroll bar and for the spans of its rows, which it colours by their attribute.
 */
export function withPolicy(work: () => void): void {
  HTMLSpanElement.prototype.setAttribute = setAttribute
  document.createElement = create as Document["createElement"]
  try {
    work()
  } finally {
    Reflect.deleteProperty(document, "createElement")
  }
}
