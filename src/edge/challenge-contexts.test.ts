import { expect, test } from "bun:test"
import { createChallengeCertificate } from "../acme/challenge-certificate"
import { ChallengeBoard } from "../acme/challenges"
import { challengeContexts } from "./challenge-contexts"

test("a pending challenge has one context, and none once it is over or its name is no longer allowed", async () => {
  const board = new ChallengeBoard()
  const allowed = new Set(["a.example.com"])
  const contextFor = challengeContexts(board, (hostname) => allowed.has(hostname))
  expect(contextFor("a.example.com")).toBeUndefined()
  const takeDown = await board.putAlpn("a.example.com", await createChallengeCertificate("a.example.com", "token.thumbprint", Date.now()))
  const context = contextFor("a.example.com")
  expect(context).toBeDefined()
  expect(contextFor("a.example.com")).toBe(context as never)
  allowed.clear()
  expect(contextFor("a.example.com")).toBeUndefined()
  allowed.add("a.example.com")
  takeDown()
  expect(contextFor("a.example.com")).toBeUndefined()
})
