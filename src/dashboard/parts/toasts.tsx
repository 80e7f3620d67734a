import { Toast } from "@base-ui/react/toast"
import { X } from "lucide-react"
import { shell } from "../words/shell"
import { Button, IconButton } from "./button"

const manager = Toast.createToastManager()

/** Says that something was done, with a way to undo it where there is one; leaves by itself after a while, but not while it is looked at. */
export function toast(title: string, undo?: () => void): void {
  const id = manager.add({
    title,
    timeout: undo === undefined ? 5000 : 10_000,
    data: {
      undo:
        undo &&
        (() => {
          manager.close(id)
          undo()
        }),
    },
  })
}

/** Where toasts appear; once in the page. */
export const Toasts = () => (
  <Toast.Provider toastManager={manager}>
    <Toast.Portal>
      <Toast.Viewport className="fixed right-4 bottom-4 left-4 z-60 flex flex-col gap-2 sm:left-auto sm:w-80">
        <List />
      </Toast.Viewport>
    </Toast.Portal>
  </Toast.Provider>
)

function List() {
  const { toasts } = Toast.useToastManager()
  return toasts.map((one) => {
    const { undo } = (one.data ?? {}) as { undo?: () => void }
    return (
      <Toast.Root key={one.id} toast={one} className="rounded-lg border border-line bg-card p-3 shadow-lg">
        <Toast.Content className="flex items-center gap-2">
          <Toast.Title className="min-w-0 flex-1 [overflow-wrap:anywhere]" />
          {undo !== undefined && (
            <Button small onClick={undo}>
              {shell.undo}
            </Button>
          )}
          <Toast.Close
            render={
              <IconButton small label={shell.dismiss}>
                <X aria-hidden className="size-4" />
              </IconButton>
            }
          />
        </Toast.Content>
      </Toast.Root>
    )
  })
}
