import { element } from "./elements"

/** Copies a text; where the clipboard is refused, by way of a selection within `root`. False where neither is allowed. */
export async function copyText(text: string, root: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copySelection(text, root)
  }
}

/** For pages without the clipboard: plain HTTP, or a frame that is not allowed it. */
function copySelection(text: string, root: Element): boolean {
  const field = element("textarea", { class: "offscreen", readonly: true, tabindex: "-1", "aria-hidden": "true" })
  field.value = text
  root.append(field)
  field.select()
  try {
    return document.execCommand("copy")
  } catch {
    return false
  } finally {
    field.remove()
  }
}

/** Marks an element's text, so that a key copies it. */
export function selectText(target: Element): void {
  getSelection()?.selectAllChildren(target)
}
