import { useMutation } from "@tanstack/react-query"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { type FormEvent, useState } from "react"
import { ask } from "../../data/api"
import { refresh } from "../../data/queries"
import { type LoginAnswer, sessionHeaders } from "../../data/session"
import { Button } from "../../parts/button"
import { TextField } from "../../parts/field"
import { FaultNotice } from "../../parts/status"
import { open } from "../../words/open"

export function Login() {
  const navigate = useNavigate()
  const { next } = useSearch({ strict: false }) as { next?: string }
  const [input, setInput] = useState({ username: "", password: "" })
  const login = useMutation({
    mutationFn: () => ask<LoginAnswer>("POST", "/api/login", input, { headers: sessionHeaders }),
    onSuccess: async () => {
      await refresh("session")
      await navigate({ to: next?.startsWith("/") && !next.startsWith("//") ? next : "/" })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    login.mutate()
  }
  return (
    <main className="mx-auto flex min-h-dvh max-w-sm flex-col justify-center gap-4 p-4">
      <h1 className="text-2xl font-semibold">{open.signIn}</h1>
      <form onSubmit={submit} className="flex flex-col gap-4">
        <TextField
          label={open.username}
          autoComplete="username"
          required
          value={input.username}
          onChange={(event) => setInput({ ...input, username: event.target.value })}
        />
        <TextField
          label={open.password}
          type="password"
          autoComplete="current-password"
          required
          value={input.password}
          onChange={(event) => setInput({ ...input, password: event.target.value })}
        />
        {login.error !== null && <FaultNotice error={login.error} />}
        <Button kind="primary" type="submit" isBusy={login.isPending}>
          {open.signIn}
        </Button>
      </form>
    </main>
  )
}
