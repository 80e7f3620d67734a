import { useRouterState } from "@tanstack/react-router"
import { signIn } from "../../words/sign-in"

/** Where keys work, since they do not here; leads to the same page there. */
export function KeysElsewhere({ at, className = "text-sm text-dim" }: { at: string; className?: string }) {
  const href = useRouterState({ select: ({ location }) => location.href })
  return (
    <p className={className}>
      {signIn.keysElsewhere}{" "}
      <a href={at + href} className="text-accent underline [overflow-wrap:anywhere]">
        {at}
      </a>
    </p>
  )
}
