import { shell } from "../words/shell"
import { Button } from "./button"

/** The end of a list that comes in pages: a button for the next page, or that there is none. */
export const More = ({
  query: { hasNextPage, isFetchingNextPage, fetchNextPage },
  label,
  end,
}: {
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> }
  label: string
  end: string
}) =>
  hasNextPage ? (
    <Button className="self-center" isBusy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
      {isFetchingNextPage ? shell.loading : label}
    </Button>
  ) : (
    <p className="text-center text-sm text-dim">{end}</p>
  )
