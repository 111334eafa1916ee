/**
 * Thousands of callers who take their time, at the address that is the argument. Sends the names of the ways in which
 * they do; asked by one of them, sends for how many milliseconds each caller was kept, once connected.
 */
import { connect } from "node:net"
import process from "node:process"

const connections = 2_000

/** They come one after the other, so many a second. */
const rate = 500

/** Each of them adds a little so often. */
const dripMillis = 1_000

interface Attack {
  readonly first: string
  /** Again and again. */
  readonly more: string
}

const ranges = Array.from({ length: 1_000 }, (_, index) => `5-${index}`).join(",")

/** As slowhttptest does with -H, -B and -R. */
const attacks: Readonly<Record<string, Attack>> = {
  "slow headers": { first: "GET / HTTP/1.1\r\nHost: x\r\n", more: "X: y\r\n" },
  "slow bodies": {
    first:
      "POST /get_token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n",
    more: " ",
  },
  "a thousand ranges": {
    first: `GET /openapi.json HTTP/1.1\r\nHost: x\r\nRange: bytes=0-,${ranges}\r\n\r\n`,
    more: "",
  },
}

const { port } = new URL(process.argv[2] ?? "")

const comeAfter = (millis: number, { first, more }: Attack) =>
  new Promise<number>((resolve) => {
    setTimeout(() => {
      let start = Number.NaN
      const socket = connect(Number(port), "127.0.0.1", () => {
        start = performance.now()
        socket.write(first)
      })
      const timer = setInterval(() => more !== "" && socket.write(more), dripMillis)
      socket.resume()
      socket.on("error", () => {})
      socket.on("close", () => {
        clearInterval(timer)
        resolve(performance.now() - start)
      })
    }, millis)
  })

process.on("message", (name) => {
  const attack = attacks[String(name)]
  if (attack === undefined) throw new Error(`No such way: ${name}`)
  const callers = Array.from({ length: connections }, (_, index) => comeAfter((index * 1_000) / rate, attack))
  void Promise.all(callers).then((kept) => process.send?.(kept))
})
process.send?.(Object.keys(attacks))
