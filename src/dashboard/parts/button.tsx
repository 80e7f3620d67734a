import { Link, type LinkProps } from "@tanstack/react-router"
import { LoaderCircle } from "lucide-react"
import type { ComponentProps, ReactNode } from "react"
import { cx } from "./classes"

export type ButtonKind = "primary" | "plain" | "quiet" | "danger"

const kinds: Record<ButtonKind, string> = {
  primary: "bg-accent text-on-accent border-transparent hover:brightness-110",
  plain: "bg-card text-text border-edge hover:bg-hover",
  quiet: "bg-transparent text-text border-transparent hover:bg-hover",
  danger: "bg-card text-bad border-bad hover:bg-bad-soft",
}

const look = (kind: ButtonKind, isSmall: boolean, className?: string) =>
  cx(
    "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap no-underline select-none",
    "disabled:cursor-default disabled:opacity-55 aria-disabled:opacity-55",
    isSmall ? "min-h-7 px-2 text-sm" : "min-h-9 px-3",
    kinds[kind],
    className,
  )

export type ButtonProps = Omit<ComponentProps<"button">, "ref"> & { kind?: ButtonKind; small?: boolean; isBusy?: boolean; icon?: ReactNode }

/** A button; while `isBusy` it cannot be pressed again, and keeps its width and its focus. */
export function Button({ kind = "plain", small = false, isBusy = false, icon, className, children, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-disabled={isBusy || undefined}
      aria-busy={isBusy || undefined}
      onClick={isBusy ? (event) => event.preventDefault() : onClick}
      className={look(kind, small, className)}
    >
      {isBusy ? <LoaderCircle aria-hidden className="size-4 animate-spin" /> : icon}
      {children}
    </button>
  )
}

/** A link that looks like a button. */
export function ButtonLink({
  kind = "plain",
  small = false,
  icon,
  className,
  children,
  ...rest
}: LinkProps & { kind?: ButtonKind; small?: boolean; icon?: ReactNode; className?: string; children?: ReactNode }) {
  return (
    <Link {...rest} className={look(kind, small, className)}>
      {icon}
      {children}
    </Link>
  )
}

/** A button of an icon alone; `label` is its name for everybody, as a tooltip too. */
export function IconButton({
  label,
  children,
  className,
  ...rest
}: Omit<ButtonProps, "icon" | "title"> & { label: string; children: ReactNode }) {
  return (
    <Button kind="quiet" {...rest} aria-label={label} title={label} className={cx("min-w-9 px-0", className)}>
      {children}
    </Button>
  )
}
