import { useQuery } from "@tanstack/react-query"
import { RotateCw } from "lucide-react"
import { Button } from "../../parts/button"
import { Loaded } from "../../parts/loaded"
import { SkeletonRows } from "../../parts/status"
import { welcome } from "../../words/welcome"
import { CheckList } from "../../parts/check-list"
import { serverChecks } from "./queries"

const againMs = 20_000

/** Whether visitors can come in and the server can get out; looked at again while something is not as it should be. */
export function ReachStep() {
  const checks = useQuery({
    ...serverChecks,
    refetchInterval: ({ state }) => (state.data?.every(({ status }) => status === "ok") === true ? false : againMs),
  })
  return (
    <>
      <Loaded query={checks} skeleton={<SkeletonRows rows={7} className="h-14" />}>
        {(all) => <CheckList label={welcome.reach.title} checks={all} names={welcome.reach.names} />}
      </Loaded>
      <Button
        className="mt-3"
        isBusy={checks.isFetching}
        icon={<RotateCw aria-hidden className="size-4" />}
        onClick={() => void checks.refetch()}
      >
        {welcome.reach.again}
      </Button>
    </>
  )
}
