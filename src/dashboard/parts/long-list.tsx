import { useWindowVirtualizer } from "@tanstack/react-virtual"
import { memo, type ReactNode, useLayoutEffect, useRef, useState } from "react"
import { cx } from "./classes"

export type LongListProps<T> = {
  label: string
  items: T[]
  idOf: (item: T) => string
  /** Height of a row before it is measured, in pixels. */
  rowHeight: number
  children: (item: T) => ReactNode
}

/** A list of any length: only rows that are near the screen are there. It scrolls with the page, and says how long it really is. */
export function LongList<T>({ label, items, idOf, rowHeight, children }: LongListProps<T>) {
  const list = useRef<HTMLUListElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => setTop((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY), [])
  const rows = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => rowHeight,
    overscan: 8,
    // Rows come with the next frame rather than within the scroll event, which would hold it up.
    useFlushSync: false,
    scrollMargin: top,
    getItemKey: (index) => {
      const item = items[index]
      return item === undefined ? index : idOf(item)
    },
  })
  return (
    <ul
      ref={list}
      aria-label={label}
      className="relative rounded-lg border border-line bg-card"
      style={{ height: rows.getTotalSize() + 2 }}
    >
      {rows.getVirtualItems().map(({ index, key, start }) => {
        const item = items[index]
        if (item === undefined) return null
        return (
          <li
            key={key}
            ref={rows.measureElement}
            data-index={index}
            aria-setsize={items.length}
            aria-posinset={index + 1}
            // The last that there is, not the last of those near the screen: it would be measured without its border and move when more come.
            className={cx("absolute inset-x-0 top-0 hover:bg-hover", index < items.length - 1 && "border-b border-line")}
            style={{ transform: `translateY(${start - top}px)` }}
          >
            <Row item={item} render={children as (item: unknown) => ReactNode} />
          </li>
        )
      })}
    </ul>
  )
}

/** Made anew only for another item, or when the page says how to draw one anew: scrolling draws just the rows that come into sight. */
const Row = memo(({ item, render }: { item: unknown; render: (item: unknown) => ReactNode }) => render(item))
