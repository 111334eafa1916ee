import * as ConnectionUrl from "@btc-price/adapters/settings/ConnectionUrl"
import { assert, describe, it } from "@effect/vitest"

const faultOf = (text: string) =>
  ConnectionUrl.faultOf(text, { schemes: ["postgres", "postgresql"], needsDatabase: true })

describe("ConnectionUrl", () => {
  // "12/34" and "12?34" would otherwise be a port of the host "user", and the URL valid.
  for (const password of ["p#ss", "p/ss", "p?ss", "p%ss", "p ss", "p%2xss", "12/34", "12?34", "p@/ss"]) {
    it(`says that the password ${password} must be percent-encoded, and does not show it`, () => {
      const fault = faultOf(`postgres://user:${password}@127.0.0.1:5432/btc`)
      assert.include(fault, "must be percent-encoded")
      assert.notInclude(fault, password)
    })
  }

  for (const password of ["p@ss", "p:ss", "p[ss", "p%2Fss", "pass!$&'()*+,;=", "é"]) {
    it(`accepts the password ${password}`, () => {
      assert.isUndefined(faultOf(`postgres://user:${password}@127.0.0.1:5432/btc`))
    })
  }

  for (const [text, fault] of [
    ["mysql://user:hunter2@127.0.0.1/btc", "begins with mysql:"],
    ["postgres://user:hunter2@127.0.0.1", "names no database"],
    ["postgres://user:hunter2@127.0.0.1/", "names no database"],
    ["postgres:///btc", "names no host"],
    ["127.0.0.1/btc", "is not a URL"],
    ["postgres://user:hunter2@127.0.0.1:70000/btc", "is not a URL"],
  ] as const) {
    it(`says that ${text} ${fault}`, () => assert.strictEqual(faultOf(text), fault))
  }
})
