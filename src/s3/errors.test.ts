import { expect, test } from "bun:test"
import { AppError, type ErrorCode } from "../errors"
import { renderS3Error } from "./error-document"
import { asS3Error, fromAppError, S3Error } from "./errors"

const place = { resource: "/b/a&b", requestId: "R1", method: "GET" }

test("a fault is S3's document with its status", async () => {
  const res = renderS3Error(new S3Error("InvalidRange", "not <there>", { ActualObjectSize: "5" }, { "content-range": "bytes */5" }), place)
  expect(res.status).toBe(416)
  expect(Object.fromEntries(res.headers)).toEqual({
    "content-range": "bytes */5",
    "content-type": "application/xml",
    "x-amz-request-id": "R1",
  })
  expect(await res.text()).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InvalidRange</Code><Message>not &lt;there&gt;</Message>' +
      "<ActualObjectSize>5</ActualObjectSize><Resource>/b/a&amp;b</Resource><RequestId>R1</RequestId></Error>",
  )
})

test("HEAD and 304 have no body", async () => {
  const head = renderS3Error(new S3Error("NoSuchKey", "gone"), { ...place, method: "HEAD" })
  expect([head.status, await head.text(), head.headers.get("content-type")]).toEqual([404, "", null])
  const same = renderS3Error(new S3Error("NotModified", "same", {}, { etag: '"1"' }), place)
  expect([same.status, await same.text(), same.headers.get("etag")]).toEqual([304, "", '"1"'])
})

test.each<[ErrorCode, string | undefined, string, number]>([
  ["invalid", undefined, "InvalidArgument", 400],
  ["invalid", "InvalidPart", "InvalidPart", 400],
  ["invalid", "toString", "InvalidArgument", 400],
  ["unauthorized", undefined, "AccessDenied", 403],
  ["forbidden", undefined, "AccessDenied", 403],
  ["not_found", undefined, "NoSuchKey", 404],
  ["not_found", "NoSuchUpload", "NoSuchUpload", 404],
  ["conflict", undefined, "OperationAborted", 409],
  ["too_large", undefined, "EntityTooLarge", 400],
  ["out_of_space", undefined, "InsufficientStorage", 507],
  ["out_of_space", "QuotaExceeded", "QuotaExceeded", 403],
  ["precondition_failed", undefined, "PreconditionFailed", 412],
  ["rate_limited", undefined, "SlowDown", 503],
])("the core's %s with reason %p is %s", (code, reason, expected, status) => {
  const fault = fromAppError(new AppError(code, "words", { reason }))
  expect([fault.code, fault.status, fault.message]).toEqual([expected as typeof fault.code, status, "words"])
})

test("when to come again is said", () => {
  expect(fromAppError(new AppError("unavailable", "busy", { retryAfterSeconds: 3 })).headers).toEqual({ "retry-after": "3" })
})

test("what is unknown tells nothing of itself", async () => {
  const res = renderS3Error(new Error("secret of /data"), place)
  expect(res.status).toBe(500)
  const text = await res.text()
  expect(text).toContain("<Code>InternalError</Code>")
  expect(text).not.toContain("secret")
  expect(asS3Error("thrown text").code).toBe("InternalError")
})
