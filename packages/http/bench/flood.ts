/**
 * Many clients that read the address in the argument with its token, each again as soon as it is answered, whatever the
 * answer is. Half of them open a new connection for each request. Answers each message with the number of answers that
 * came in a number of seconds, by status, and how many took longer than a second.
 */
import { Agent, request } from "node:http"
import process from "node:process"

const clients = 1_000
const seconds = 30

const [address = "", token = ""] = process.argv.slice(2)

const flood = async () => {
  const found: Record<string, number> = { late: 0 }
  const count = (what: string) => (found[what] = (found[what] ?? 0) + 1)
  const until = performance.now() + seconds * 1_000
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const ask = (index: number) =>
    new Promise<void>((resolve) => {
      const start = performance.now()
      const end = (what: string) => {
        count(what)
        if (performance.now() - start > 1_000) count("late")
        resolve()
      }
      const asked = request(
        `${address}/v1/prices`,
        {
          // From many addresses, none of which has more than its share of the connections.
          localAddress: `127.0.2.${(index % 20) + 1}`,
          agent: index % 2 === 0 ? agent : false,
          headers: { authorization: `Bearer ${token}` },
        },
        (response) => {
          response.resume()
          response.on("close", () => end(String(response.statusCode)))
        },
      )
      asked.setTimeout(5_000, () => asked.destroy())
      asked.on("error", () => end("none"))
      asked.end()
    })
  const client = (index: number): Promise<void> =>
    performance.now() < until ? ask(index).then(() => client(index)) : Promise.resolve()
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index)))
  agent.destroy()
  return found
}

process.on("message", () => void flood().then((found) => process.send?.(found)))
process.send?.("ready")
