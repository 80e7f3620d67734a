import { lazy, Suspense } from "react"
import type { GraphProps } from "./graph"
import { Skeleton } from "./status"

const Graph = lazy(() => import("./graph").then(({ Graph }) => ({ default: Graph })))

/** A graph whose code is loaded when it is first shown; its room is kept. */
export const LazyGraph = (props: GraphProps) => (
  <div className="min-h-[210px]">
    <Suspense fallback={<Skeleton className="h-[210px]" />}>
      <Graph {...props} />
    </Suspense>
  </div>
)
