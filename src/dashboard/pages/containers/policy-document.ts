type Create = (tag: string, options?: ElementCreationOptions) => HTMLElement

/** Makes elements that the page's policy lets be styled: style sheets have its nonce, and an attribute of styles is set as a property, which no policy concerns. */
const create: Create = (tag, options) => {
  const element = Document.prototype.createElement.call(document, tag, options)
  if (tag === "style") element.nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? ""
  element.setAttribute = setAttribute
  return element
}

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

/** Runs `work` while the page's own document makes such elements too: xterm 6.0.0 asks it for the style sheet of its scroll bar, whatever it was given. */
export function withPolicy(work: () => void): void {
  document.createElement = create as Document["createElement"]
  try {
    work()
  } finally {
    Reflect.deleteProperty(document, "createElement")
  }
}
