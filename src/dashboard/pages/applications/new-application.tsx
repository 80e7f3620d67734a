import { useMutation } from "@tanstack/react-query"
import { useNavigate } from "@tanstack/react-router"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { Dialog } from "../../parts/dialog"
import { toast } from "../../parts/toasts"
import { words } from "../../words/applications"
import { ApplicationForm, type ApplicationWish } from "./application-form"
import { applicationsPath } from "./data"
import type { Application } from "./model"

/** Makes an application and goes to its page. */
export function NewApplication({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const make = useMutation({
    mutationFn: (wish: ApplicationWish) => ask<Application>("POST", applicationsPath, wish),
    onSuccess: async ({ id, name }) => {
      void refresh("applications")
      toast(words.created(name))
      await navigate({ to: `/applications/${id}` })
    },
  })
  return (
    <Dialog isOpen onClose={onClose} title={words.new}>
      <ApplicationForm error={make.error} isBusy={make.isPending} onSubmit={(wish) => make.mutate(wish)} onCancel={onClose} />
    </Dialog>
  )
}

/** Changes an application. */
export function EditApplication({ application, onClose }: { application: Application; onClose: () => void }) {
  const change = useMutation({
    mutationFn: (wish: ApplicationWish) => ask<Application>("PATCH", `${applicationsPath}/${application.id}`, wish),
    onSuccess: async () => {
      await refresh("applications")
      toast(words.saved)
      onClose()
    },
  })
  return (
    <Dialog isOpen onClose={onClose} title={words.edit}>
      <ApplicationForm
        application={application}
        error={change.error}
        isBusy={change.isPending}
        onSubmit={(wish) => change.mutate(wish)}
        onCancel={onClose}
      />
    </Dialog>
  )
}
