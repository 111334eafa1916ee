/** What the README shows of the code is the code. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const root = new URL("../../../", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")
const readme = read("README.md")

describe("README", () => {
  it("shows the example as it is run", () =>
    assert.include(readme, `\`\`\`ts\n${read("packages/domain/test/Example.test.ts")}\`\`\``))

  it("lists the settings as they are declared: npm run settings prints the table", () => {
    const table = execFileSync(process.execPath, [
      fileURLToPath(new URL("packages/adapters/bin/settings.ts", root)),
    ]).toString()
    assert.include(readme, table)
  })
})
