/** The real programs, which are sent SIGTERM by themselves while they load. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

/** Sends SIGTERM at the first import that is not of Node or of the handler itself. */
const signalled = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module"
  let isSent = false
  registerHooks({
    load(url, context, next) {
      if (!isSent && /NodeProgram/.test(url)) {
        isSent = true
        process.kill(process.pid, "SIGTERM")
      }
      return next(url, context)
    },
  })
`)}`

/** With process id 1, as in a container, where the kernel allows it. */
const asFirst = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
const canBeFirst = spawnSync("unshare", [...asFirst, "true"]).status === 0

describe("A program that is stopped while it loads", () => {
  for (const [name, args, code] of [
    ["http/src/main.ts", [], 0],
    ["worker/src/main.ts", ["verify"], 1],
  ] as const) {
    it(`ends, and has done nothing: ${[name, ...args].join(" ")}`, () => {
      const program = fileURLToPath(new URL(`../../../${name}`, import.meta.url))
      const command = [process.execPath, "--import", signalled, program, ...args]
      const [file = "", ...rest] = canBeFirst ? ["unshare", ...asFirst, ...command] : command
      const { status, stdout, stderr } = spawnSync(file, rest, { encoding: "utf8" })
      assert.deepStrictEqual({ status, stdout, stderr }, { status: code, stdout: "", stderr: "" })
    })
  }
})
