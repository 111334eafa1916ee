/** Addresses that never leave this machine, where plaintext is no risk. */

/** Whether `host`, as written in a URL or setting, is a loopback address. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host)
