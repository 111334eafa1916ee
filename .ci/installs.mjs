#!/usr/bin/env node
/**
 * Installs a copy of HEAD with each of several npm versions, on the Node that runs this script, and follows the README:
 * `npm start -- --replay` must answer with a price, and none of its processes may keep running after npm is killed.
 *
 *     node .ci/installs.mjs                   the npm of Node 22 and the newest npm
 *     node .ci/installs.mjs 10.8.2 11.6.1     these versions
 */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { setInterval } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const versions = process.argv.length > 2 ? process.argv.slice(2) : ["10.9.4", "latest"]

/** npm forwards the first signal and cannot react to the second. */
const signals = ["SIGTERM", "SIGKILL"]

const installLimitSeconds = 600
const startLimitSeconds = 300
const readyLimitSeconds = 60
const stopLimitSeconds = 15

const folders = []

const tryVersion = async (version, signal) => {
  const folder = mkdtempSync(join(tmpdir(), "btc-price-installs-"))
  folders.push(folder)
  // PostgreSQL runs under another account when this runs as root.
  chmodSync(folder, 0o755)
  const copy = join(folder, "copy")
  mkdirSync(copy)
  execFileSync("tar", ["-x", "-C", copy], {
    input: execFileSync("git", ["archive", "HEAD"], { cwd: root, maxBuffer: 2 ** 28 }),
  })

  const installation = run(
    "npm",
    ["install", "--no-audit", "--no-fund", "--prefix", folder, `npm@${version}`],
    folder,
  )
  await succeeded(installation, installLimitSeconds)
  const npm = join(folder, "node_modules/npm")
  const name = `npm ${JSON.parse(readFileSync(join(npm, "package.json"), "utf8")).version}`
  const npmCommand = (...args) => run(process.execPath, [join(npm, "bin/npm-cli.js"), ...args], copy)

  const began = Date.now()
  await succeeded(npmCommand("ci", "--no-audit", "--no-fund"), installLimitSeconds)
  const installed = Date.now()

  const program = npmCommand("start", "--", "--replay")
  const [, url] = await printed(program, /API +(http:\S+)/, startLimitSeconds)
  const [, username, password] = await printed(program, /User +(\w+), password (\S+)/, startLimitSeconds)
  await firstPrice(url, { username, password })
  const answered = Date.now()

  program.child.kill(signal)
  await once(program.child, "exit")
  for await (const end of setInterval(50, Date.now() + stopLimitSeconds * 1000)) {
    if (processesIn(folder).length === 0) break
    if (Date.now() > end)
      throw new Error(`${name}: processes are still running ${stopLimitSeconds} s after ${signal} ended npm`)
  }
  process.stdout.write(
    `${name} on Node ${process.version}: installed in ${seconds(began, installed)}, ` +
      `answered after ${seconds(installed, answered)}, ended ${seconds(answered, Date.now())} after ${signal}\n`,
  )
}

const seconds = (from, to) => `${((to - from) / 1000).toFixed(1)} s`

const firstPrice = async (url, login) => {
  const { id_token: token } = await json(`${url}/get_token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(login),
  })
  const { prices } = await json(`${url}/v1/prices`, { headers: { authorization: `Bearer ${token}` } })
  if (!Object.values(prices).some((price) => Number(price?.amount) > 0))
    throw new Error("/v1/prices contains no price")
}

/** The body of an answer with status 200. The API answers 503 until it has read the database for the first time. */
const json = async (url, request) => {
  for await (const end of setInterval(100, Date.now() + readyLimitSeconds * 1000)) {
    const response = await fetch(url, request)
    if (response.status === 200) return response.json()
    const body = await response.text()
    if (response.status !== 503 || Date.now() > end)
      throw new Error(`${url} answers ${response.status}: ${body}`)
  }
}

const run = (command, args, cwd) => {
  const env = { ...process.env, HTTP_PORT: "0", MANAGEMENT_PORT: "0" }
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] })
  const task = { child, name: `${command} ${args.join(" ")}`, output: "" }
  const add = (chunk) => (task.output += chunk)
  child.stdout.on("data", add)
  child.stderr.on("data", add)
  return task
}

const failed = ({ name, output }, what) =>
  new Error(`${name} ${what}:\n${output.split("\n").slice(-25).join("\n")}`)

const succeeded = async (task, limitSeconds) => {
  const signal = AbortSignal.timeout(limitSeconds * 1000)
  const [code] = await once(task.child, "close", { signal }).catch(() => {
    throw failed(task, `takes longer than ${limitSeconds} s`)
  })
  if (code !== 0) throw failed(task, `exits with ${code}`)
}

/** The first match in the task's output. */
const printed = (task, pattern, limitSeconds) =>
  new Promise((resolve, reject) => {
    const stop = (end, result) => {
      clearTimeout(timeout)
      end(result)
    }
    const look = () => pattern.test(task.output) && stop(resolve, pattern.exec(task.output))
    const timeout = setTimeout(
      () => stop(reject, failed(task, `does not print ${pattern} within ${limitSeconds} s`)),
      limitSeconds * 1000,
    )
    task.child.stdout.on("data", look)
    task.child.on("close", (code) => stop(reject, failed(task, `exits with ${code}`)))
    look()
  })

/** Processes that run in `folder` or name it in their command line, according to Linux's `/proc`. */
const processesIn = (folder) =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return [readlinkSync(`/proc/${pid}/cwd`), readFileSync(`/proc/${pid}/cmdline`, "utf8")]
          .join(" ")
          .includes(folder)
      } catch {
        return false // The process has ended in the meantime.
      }
    })
    .map(Number)

const kill = (pid) => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // The process has ended in the meantime.
  }
}

process.on("exit", () => {
  for (const folder of folders) {
    for (const pid of processesIn(folder)) kill(pid)
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  }
})
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1))

const results = await Promise.allSettled(
  versions.map((version, index) => tryVersion(version, signals[index % signals.length])),
)
for (const { reason } of results.filter(({ status }) => status === "rejected")) {
  process.stderr.write(`${reason instanceof Error ? reason.message : reason}\n`)
}
process.exit(results.every(({ status }) => status === "fulfilled") ? 0 : 1)
