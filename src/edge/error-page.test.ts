import { expect, test } from "bun:test"
import { errorPage, type Failure, failures } from "./error-page"

const options = { requestId: "the-id", accept: "", method: "GET", close: false }

test.each(Object.keys(failures) as Failure[])("the page for %s carries its status, its length and the request id", (failure) => {
  const [head, body] = errorPage(failure, options).split(/\r\n\r\n(.*)/s)
  expect(head).toStartWith(`HTTP/1.1 ${failures[failure].status} `)
  expect(head).toContain(`\r\nContent-Length: ${Buffer.byteLength(body!)}\r\n`)
  expect(body).toContain("the-id")
  expect(body).toContain(failures[failure].sentence)
})

test.each([
  ["application/json", "application/json"],
  ["application/problem+json, */*", "application/json"],
  ["application/json, text/html", "application/json"],
  ["text/html, application/json", "text/html; charset=utf-8"],
  ["*/*", "text/html; charset=utf-8"],
  ["", "text/html; charset=utf-8"],
])("Accept %p gets %s", (accept, type) => {
  expect(errorPage("not_mapped", { ...options, accept })).toContain(`\r\nContent-Type: ${type}\r\n`)
})

test("HEAD gets the head alone", () => {
  expect(errorPage("stopped", { ...options, method: "HEAD" })).toEndWith("\r\n\r\n")
})
