import { expect, test } from "bun:test"
import { ChallengeBoard } from "./challenges"

test("an answer is up until its order takes it down", () => {
  const board = new ChallengeBoard()
  const takeDown = board.putHttp("token", "token.thumbprint")
  expect(board.httpAnswer("token")).toBe("token.thumbprint")
  expect(board.httpAnswer("other")).toBeUndefined()
  takeDown()
  expect(board.httpAnswer("token")).toBeUndefined()
})

test("an earlier order does not take down what a later one put up", async () => {
  const board = new ChallengeBoard()
  const [first, second] = [
    { certificatePem: "1", keyPem: "1" },
    { certificatePem: "2", keyPem: "2" },
  ]
  const takeDown = await board.putAlpn("a.test", first)
  await board.putAlpn("a.test", second)
  takeDown()
  expect(board.alpnCertificate("a.test")).toBe(second)
})

test("a full board refuses new entries and keeps the old ones", async () => {
  const board = new ChallengeBoard(2)
  board.putHttp("a", "1")
  await board.putAlpn("b.test", { certificatePem: "", keyPem: "" })
  expect(() => board.putHttp("c", "3")).toThrow("2 challenges are open already")
  expect(board.httpAnswer("a")).toBe("1")
})
