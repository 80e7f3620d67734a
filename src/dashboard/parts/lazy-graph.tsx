import { lazy, Suspense } from "react"
import type { GraphProps } from "./graph"
import { Skeleton } from "./status"

const Graph = lazy(() => import("./graph").then(({ Graph }) => ({ default: Graph })))

/** In pixels, where the legend has one line. */
const legendHeight = 30

/** A graph whose code is loaded when it is first shown; its room is kept. */
export const LazyGraph = (props: GraphProps) => (
  <div className="grid grid-cols-[minmax(0,1fr)]" style={{ minHeight: (props.height ?? 180) + legendHeight }}>
    <Suspense fallback={<Skeleton className="h-full" />}>
      <Graph {...props} />
    </Suspense>
  </div>
)
