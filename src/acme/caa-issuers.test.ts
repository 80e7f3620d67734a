import { expect, test } from "bun:test"
import { caaIssuers } from "./caa-issuers"

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

test.each([
  [[letsEncrypt], ["letsencrypt.org"]],
  [[letsEncrypt, "https://acme-staging-v02.api.letsencrypt.org/directory"], ["letsencrypt.org"]],
  [
    [letsEncrypt, "https://dv.acme-v02.api.pki.goog/directory"],
    ["letsencrypt.org", "pki.goog"],
  ],
  [[letsEncrypt, "https://ca.example/dir"], []],
  [["https://ca.example/acme-v02.api.letsencrypt.org"], []],
  [["internal"], []],
  [[], []],
])("%p are %p", (directories, issuers) => {
  expect(caaIssuers(directories)).toEqual(issuers)
})
