import type { ReactNode } from "react"
import { cx } from "../../parts/classes"

/** A link to a file itself, which is no page of the dashboard; it looks like a button. */
export const LinkAway = ({
  href,
  isDownload = false,
  isNewTab = false,
  isSmall = false,
  icon,
  children,
}: {
  href: string
  isDownload?: boolean
  isNewTab?: boolean
  isSmall?: boolean
  icon?: ReactNode
  children: ReactNode
}) => (
  <a
    href={href}
    {...(isDownload ? { download: "" } : {})}
    {...(isNewTab ? { target: "_blank", rel: "noopener noreferrer" } : {})}
    className={cx(
      "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md border border-edge bg-card font-medium whitespace-nowrap hover:bg-hover",
      isSmall ? "min-h-7 px-2 text-sm" : "min-h-9 px-3",
    )}
  >
    {icon}
    {children}
  </a>
)
