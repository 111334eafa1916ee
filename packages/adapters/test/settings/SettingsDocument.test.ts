import { declarations } from "@btc-price/adapters/settings/SettingDeclarations"
import * as SettingsDocument from "@btc-price/adapters/settings/SettingsDocument"
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

const written = readFileSync(new URL("../../../../docs/settings.md", import.meta.url), "utf8")

describe("docs/settings.md", () => {
  it("is what `npm run settings` writes", () => assert.strictEqual(written, SettingsDocument.text()))

  it("has one row for each setting", () => {
    const names = [...written.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name)
    assert.deepStrictEqual(names, Object.keys(declarations))
  })
})
