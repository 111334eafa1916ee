import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"

const launcher = fileURLToPath(new URL("../bin/launch.mjs", import.meta.url))

/** Prints its process ID and the signals that it receives. On SIGTERM it exits with 7. */
const patient = `
  process.on("SIGINT", () => console.log("SIGINT"))
  process.on("SIGHUP", () => console.log("SIGHUP"))
  process.on("SIGTERM", () => { console.log("SIGTERM"); process.exit(7) })
  setInterval(() => {}, 1e9)
  console.log(process.pid)
`

// Windows has no signals to forward.
describe.skipIf(process.platform === "win32")("bin/launch.mjs", () => {
  let folder = ""
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "btc-price-launch-"))))
  afterEach(() => rmSync(folder, { recursive: true }))

  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
    return join(folder, path)
  }

  const launch = (
    program: string,
    args: ReadonlyArray<string> = [],
    env: Readonly<Record<string, string>> = {},
  ) => start([launcher, write("program.mjs", program), ...args], env)

  it("runs the program in Node 26 with its arguments, input and output", async () => {
    const child = launch(
      "console.log(process.version, ...process.argv.slice(2)); process.stdin.pipe(process.stdout)",
      ["verify", "--from", "a b"],
    )
    child.stdin.end("piped")
    assert.match(await text(child.stdout), /^v26\.\S+ verify --from a b\npiped$/)
  })

  it.each([0, 1, 2, 127])("exits with the program's exit code, %i", async (code) => {
    const child = launch(`process.exitCode = ${code}`)
    assert.deepStrictEqual(await ended(child), { code, signal: null, errors: "" })
  })

  it("exits with 1 and prints the error when the program throws", async () => {
    const { code, errors } = await ended(launch('throw new Error("planted")'))
    assert.strictEqual(code, 1)
    assert.include(errors, "Error: planted")
  })

  it.each(["SIGKILL", "SIGTERM", "SIGABRT"] as const)("dies by %s when the program does", async (signal) => {
    const child = launch(`process.kill(process.pid, "${signal}"); setInterval(() => {}, 1e9)`)
    assert.strictEqual((await ended(child)).signal, signal)
  })

  it.each(["SIGINT", "SIGHUP"] as const)("forwards %s and SIGTERM", async (signal) => {
    const child = launch(patient)
    const lines = linesOf(child.stdout)
    await lines.next()
    child.kill(signal)
    assert.strictEqual(await lines.next(), signal)
    child.kill("SIGTERM")
    assert.strictEqual(await lines.next(), "SIGTERM")
    assert.strictEqual((await ended(child)).code, 7)
  })

  it("stops the program gracefully when the launcher is killed", async () => {
    const child = launch(patient)
    const lines = linesOf(child.stdout)
    await lines.next()
    child.kill("SIGKILL")
    assert.strictEqual(await lines.next(), "SIGTERM")
    // The output stays open until the program has ended.
    assert.isUndefined(await lines.next())
  })

  it.each([
    ["its parent", "exec", {}],
    ["npm, whose shell survives it,", "", { npm_lifecycle_event: "start" }],
  ] as const)("stops the program gracefully when %s is killed", async (_, exec, env) => {
    // The parent stands for npm. It starts a shell, which starts the launcher or is replaced by it.
    const program = write("program.mjs", patient)
    const script = `${exec} "${process.execPath}" "${launcher}" "${program}"; exit $?`
    const parent = write(
      "parent.mjs",
      `import { spawn } from "node:child_process"; spawn("/bin/sh", ["-c", ${JSON.stringify(script)}], { stdio: "inherit" })`,
    )
    const child = start([parent], env)
    const lines = linesOf(child.stdout)
    await lines.next()
    child.kill("SIGKILL")
    assert.strictEqual(await lines.next(), "SIGTERM")
    assert.isUndefined(await lines.next())
  })

  it.each([
    [{ npm_lifecycle_event: "start", npm_config_replay: "true" }, "--replay"],
    [{ npm_lifecycle_event: "worker", npm_config_replay: "true" }, ""],
    [{ npm_lifecycle_event: "start" }, ""],
  ])("restores the flag that npm took: %j", async (env, flags) => {
    const child = launch("console.log(process.argv.slice(2).join())", [], env)
    assert.strictEqual(await text(child.stdout), `${flags}\n`)
  })

  describe("if Node does not start", () => {
    const name = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node"
    const node = `${name}-${process.platform}-${process.arch}`

    /** Runs a copy of the launcher next to a Node package whose `bin/node` is `script`. */
    const launchWith = (script: string | undefined, flags: ReadonlyArray<string> = []) => {
      const copy = write("bin/launch.mjs", "")
      copyFileSync(launcher, copy)
      if (script !== undefined) {
        write(`node_modules/${node}/package.json`, '{ "bin": { "node": "bin/node" } }')
        chmodSync(write(`node_modules/${node}/bin/node`, script), 0o755)
      }
      return ended(start([...flags, copy, "program.mjs"]))
    }

    it("names the package that is not installed", async () => {
      assert.deepStrictEqual(await launchWith(undefined), {
        code: 127,
        signal: null,
        errors: `The package ${node} is not installed: run "npm ci" on this machine, without omitting optional packages\n`,
      })
    })

    it("names an architecture that has no package", async () => {
      const flags = ["--import", 'data:text/javascript,Object.defineProperty(process,"arch",{value:"mips"})']
      const { code, errors } = await launchWith(undefined, flags)
      assert.strictEqual(code, 127)
      assert.match(errors, /^npm has no Node 26 for \w+-mips, only for darwin-arm64, .*\n$/)
    })

    it("names the package that holds libatomic.so.1", async () => {
      const message =
        "node: error while loading shared libraries: libatomic.so.1: cannot open shared object file"
      const { code, errors } = await launchWith(`#!/bin/sh\necho "${message}" >&2\nexit 127\n`)
      assert.strictEqual(code, 127)
      assert.match(
        errors,
        /^node: error [^\n]+\nNode needs the library libatomic\.so\.1: .*apt-get install libatomic1/,
      )
    })

    it("says that musl is not supported when the loader of glibc is missing", async () => {
      const { code, errors } = await launchWith("#!/planted/ld-linux-x86-64.so.2\n")
      assert.strictEqual(code, 127)
      assert.match(errors, /^\S+ needs glibc, .*Alpine Linux, is not supported\n$/)
    })
  })
})

const start = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => {
  const { npm_lifecycle_event: _, npm_config_replay: __, ...inherited } = process.env
  return spawn(process.execPath, args, { env: { ...inherited, ...env }, stdio: "pipe" })
}

const ended = async (child: ChildProcess) => {
  const errors = child.stderr === null ? "" : text(child.stderr)
  child.stdout?.resume()
  const [code, signal] = await once(child, "close")
  return { code, signal, errors: await errors }
}

/** Each call of `next` returns a line, and undefined at the end. */
const linesOf = (stream: Readable) => {
  const lines = createInterface({ input: stream })[Symbol.asyncIterator]()
  return { next: async (): Promise<string | undefined> => (await lines.next()).value }
}
