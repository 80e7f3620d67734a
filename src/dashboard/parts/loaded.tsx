import type { UseQueryResult } from "@tanstack/react-query"
import type { ReactNode } from "react"
import { FaultNotice, SkeletonRows } from "./status"

/** What a query found; while it looks something of the same size, and where it failed why. Old data stays while newer is looked for. */
export function Loaded<T>({
  query,
  skeleton = <SkeletonRows />,
  children,
}: {
  query: UseQueryResult<T>
  skeleton?: ReactNode
  children: (data: T) => ReactNode
}) {
  const { data, error, refetch } = query
  if (data !== undefined) return children(data)
  if (error !== null) return <FaultNotice error={error} onRetry={() => void refetch()} />
  return skeleton
}
