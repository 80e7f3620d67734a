import { CSPProvider } from "@base-ui/react/csp-provider"
import { QueryClientProvider } from "@tanstack/react-query"
import { RouterProvider } from "@tanstack/react-router"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { queryClient } from "./data/queries"
import { applyTheme } from "./data/theme"
import { router } from "./router"

applyTheme()
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content
const place = document.querySelector("#root")
if (place === null) throw new Error("the document has no place for the dashboard")
createRoot(place).render(
  <StrictMode>
    <CSPProvider nonce={nonce}>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
)
